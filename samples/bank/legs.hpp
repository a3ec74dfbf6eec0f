// An account's memory of transfers, which decides each leg of a transfer once.
//
// A leg's verdict, posted or refused, is remembered until the transfer says that it has stored the
// verdict (forget). Then the transfer is closed. A question about a closed transfer comes from a
// process that has not heard of it, and must not move its money again: the ids of the last closed
// transfers are kept. Since ids are ULIDs, which rise with time, the highest dropped id stands for
// all dropped ones: a transfer that is older than that id, and not open, comes too late. So the
// memory is bounded by the open transfers and a constant.
//
// Pure: no clock, no I/O, no actor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <nexus/nexus.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bank {

/// The ways in which a transfer moves money. An account takes part in `withdraw` and perhaps
/// `refund`, or in `deposit`.
enum class leg : std::uint8_t {
  withdraw = 1,  ///< out of the one account …
  deposit = 2,   ///< … into the other …
  refund = 3     ///< … or back, if that one refused
};

/// An account's final answer to a leg.
struct verdict {
  std::string refusal;  ///< why it was refused; empty: posted

  [[nodiscard]] bool posted() const { return refusal.empty(); }
  friend bool operator==(const verdict&, const verdict&) = default;
};

class transfer_memory {
 public:
  struct decided {
    leg which{};
    std::string refusal;
    MSGPACK_DEFINE_MAP(which, refusal)
  };
  struct open_transfer {
    std::vector<decided> legs;
    std::int64_t net_hundredths = 0;  // the sum of the legs
    std::string currency;
    MSGPACK_DEFINE_MAP(legs, net_hundredths, currency)
  };

  /// A transfer comes too late when more than so many newer ones are closed.
  static constexpr std::size_t closed_max = 4'096;

  /// None if the leg has still to be decided.
  [[nodiscard]] std::optional<verdict> find(const std::string& transfer, leg which) const {
    if (const auto at = open.find(transfer); at != open.end()) {
      for (const auto& d : at->second.legs) {
        if (d.which == which) return verdict{d.refusal};
      }
      return {};
    }
    if (closed.contains(transfer)) return verdict{};  // the asker cannot store it: it is over
    if (transfer <= closed_before)
      return verdict{"the transfer is too old, many newer ones have ended: try again"};
    return {};
  }

  [[nodiscard]] bool is_open(const std::string& transfer) const { return open.contains(transfer); }

  /// Calls `f(id)` for every open transfer.
  template <class F>
  void for_each_open(F f) const {
    for (const auto& one : open) f(one.first);
  }

  /// Adds the money that may have to come back: of open transfers that took out more than they
  /// brought. False if the sum exceeds 64 bits.
  [[nodiscard]] bool add_outgoing(std::string_view currency, std::int64_t& sum) const {
    return std::all_of(open.begin(), open.end(), [&](const auto& one) {
      const auto& [legs, net, of] = one.second;
      return net >= 0 || of != currency || !__builtin_sub_overflow(sum, net, &sum);
    });
  }

  void posted(const std::string& transfer, leg which, std::int64_t hundredths,
              const std::string& currency) {
    auto& t = open[transfer];
    t.legs.push_back({which, {}});
    t.net_hundredths += hundredths;  // at most two legs, of one amount
    t.currency = currency;
  }

  void refused(const std::string& transfer, leg which, const std::string& why) {
    open[transfer].legs.push_back({which, why});
  }

  void forgot(const std::string& transfer) {
    open.erase(transfer);
    closed.insert(transfer);
    if (closed.size() <= closed_max) return;
    closed_before = std::max(closed_before, *closed.begin());
    closed.erase(closed.begin());
  }

  MSGPACK_DEFINE_MAP(open, closed, closed_before)

 private:
  std::map<std::string, open_transfer> open;
  std::set<std::string> closed;
  std::string closed_before;  // this id, and all smaller ids that are not kept
};

}  // namespace bank
