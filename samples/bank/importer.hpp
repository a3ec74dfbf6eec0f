// Posts a ledger: thousands of postings in flight, each account's in the order of the file.
//
// Threads: one, which blocks. Failures: storage failures end the run when the storage has accepted
// nothing for the caller's patience (endurance.hpp), with the first reason; failures of an account
// (it refuses a posting, its history is corrupt) are reported, and the other accounts go on.
// Postings stay: the next run continues after them.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <nexus/nexus.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "account.hpp"
#include "endurance.hpp"
#include "ledger.hpp"
#include "plan.hpp"
#include "progress.hpp"

namespace bank {

/// For a storage that accepts nothing.
inline constexpr std::chrono::seconds default_patience{30};

class importer {
 public:
  /// `file` names the ledger in messages. All three must outlive the importer.
  importer(const std::string& file, const ledger& from, nexus::entities<account>& accounts,
           std::chrono::seconds patience = default_patience)
      : file_{file}, ledger_{from}, accounts_{accounts}, plan_{from}, patience_{patience} {}

  [[nodiscard]] nexus::result<void> run();

  [[nodiscard]] const plan& postings() const { return plan_; }

  /// One line per account that refused a posting.
  [[nodiscard]] const std::vector<std::string>& refusals() const { return refusals_; }

 private:
  struct sent {
    std::size_t row;  // of the ledger
    nexus::asked<taken> answer;
  };

  nexus::result<void> take_oldest();
  nexus::result<void> in_trouble(std::size_t row, const nexus::result<taken>& answer);
  nexus::error given_up(nexus::error last) const;
  void wait_for_storage(progress& bar);
  void note_refusal(std::size_t row, std::string_view why);

  const std::string& file_;
  const ledger& ledger_;
  nexus::entities<account>& accounts_;
  plan plan_;
  std::deque<sent> in_flight_;
  std::vector<std::string> refusals_;
  std::chrono::seconds patience_;
  endurance left_{patience_, std::chrono::steady_clock::now()};
  std::string reason_;            // the storage's first one since it last accepted a posting
  unsigned rounds_lost_ = 0;      // in a row, to an unavailable storage
  bool storage_is_away_ = false;  // as seen in this round
};

}  // namespace bank
