// Whether transfers lost or doubled money: each one's events against the postings in the accounts.
//
// A transfer that is over has taken out and put in the same, or has touched nothing, and no account
// remembers it. One that is not over is somewhere on the way.
//
// Threads: one. No I/O. Memory: a hundred bytes or so per transfer.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "transfer.hpp"

namespace bank {

class transfer_audit {
 public:
  /// `events` is how many it has.
  void add(std::string_view id, const transfer::state& state, nexus::sequence_nr events);

  void add(std::string_view account_name, const account::moved& posting);

  /// An account still remembers the transfer.
  void remembered(std::string_view account_name, const std::string& id);

  /// Passes every transfer that is not as it should be, what is wrong, and how many events it had.
  void check(const std::function<void(const std::string& id, const std::string& what,
                                      nexus::sequence_nr events)>& fault) const;

  [[nodiscard]] std::uint64_t transfers() const { return transfers_; }
  [[nodiscard]] std::uint64_t open() const { return open_; }

 private:
  struct entry {
    transfer::state state;
    nexus::sequence_nr events = 0;
    unsigned legs = 0;      // a bit for each that was posted
    std::string wrong;      // a posting that cannot be
    std::string remembers;  // an account that does
  };

  std::map<std::string, entry, std::less<>> entries_;
  std::uint64_t transfers_ = 0;
  std::uint64_t open_ = 0;
};

}  // namespace bank
