// Which posting to send next: file order, with many in flight, and each account's in its own order.
//
// A posting that an account did not take (it was overloaded, its storage was in trouble) makes its
// account go back: nothing more of it is sent until what is in flight has been answered, then it is
// sent again from the first one not taken. A refused posting ends its account's part: the ones
// behind it wait for a ledger that was put right. Other accounts go on.
//
// Threads: one. No I/O: the caller sends what `next` gives and reports each answer.
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
  /// `from` outlives the plan.
  explicit plan(const ledger& from);

  /// An index into the ledger's postings; none at the end, or while all that is left waits.
  [[nodiscard]] std::optional<std::size_t> next();

  [[nodiscard]] account::post command(std::size_t row) const;

  /// `how` is `posted` or `known`.
  void accepted(std::size_t row, taken how);

  /// To be sent again. Answers how often in a row this account made no progress.
  unsigned again(std::size_t row);

  /// Answers how many postings of the account are left behind it.
  std::size_t refused(std::size_t row);

  [[nodiscard]] std::size_t accounts() const { return lanes_.size(); }
  /// Postings that this run stored, and those that were there before it.
  [[nodiscard]] std::size_t posted() const { return posted_; }
  [[nodiscard]] std::size_t known() const { return known_; }

 private:
  struct lane {  // an account's postings
    std::vector<std::size_t> rows;
    std::size_t sent = 0;   // how many of rows are sent …
    std::size_t taken = 0;  // … and how many accepted
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
