// Decides which posting to send next: file order, many in flight, and each account in its own
// order.
//
// If an account did not take a posting (it was overloaded, its storage failed), the account goes
// back: it sends nothing until its postings in flight are answered, then sends again from the first
// one not taken. A refused posting ends its account's part: the postings behind it wait for a
// corrected ledger. Other accounts go on.
//
// Threads: one. No I/O: the caller sends what `next` returns and reports each answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "account.hpp"
#include "ledger.hpp"

namespace bank {

class plan {
 public:
  /// `from` must outlive the plan.
  explicit plan(const ledger& from);

  /// An index into the ledger's postings; none at the end, or while all remaining ones wait.
  [[nodiscard]] std::optional<std::size_t> next();

  [[nodiscard]] account::post command(std::size_t row) const;

  /// `how` is `posted` or `known`.
  void accepted(std::size_t row, taken how);

  /// The posting is to be sent again. Returns how often in a row this account made no progress.
  unsigned again(std::size_t row);

  /// Returns how many postings of the account remain after it.
  std::size_t refused(std::size_t row);

  [[nodiscard]] std::size_t accounts() const { return lanes_.size(); }
  /// Postings stored by this run, and by earlier ones.
  [[nodiscard]] std::size_t posted() const { return posted_; }
  [[nodiscard]] std::size_t known() const { return known_; }

 private:
  struct lane {  // an account's postings
    std::vector<std::size_t> rows;
    std::size_t sent = 0;   // number of rows sent …
    std::size_t taken = 0;  // … and accepted
    std::size_t in_flight = 0;
    unsigned failures = 0;  // since the last one accepted
    bool going_back = false;
    bool ended = false;
  };
  struct step {
    std::size_t lane = 0;
    std::size_t place = 0;  // in the lane's rows
    std::uint64_t digest = 0;
    bool posted = false;
  };

  lane& answered(std::size_t row);
  void when_drained(std::size_t index);

  const ledger& ledger_;
  std::vector<lane> lanes_;
  std::vector<step> steps_;  // one per posting
  std::size_t posted_ = 0;
  std::size_t known_ = 0;
  std::size_t cursor_ = 0;          // the first posting never looked at
  std::deque<std::size_t> behind_;  // lanes with something to send before the cursor
};

}  // namespace bank
