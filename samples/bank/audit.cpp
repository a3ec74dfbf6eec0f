#include "audit.hpp"

#include <fmt/format.h>

#include "money.hpp"

namespace bank {
namespace {

constexpr unsigned bit(leg which) { return 1u << static_cast<unsigned>(which); }
constexpr unsigned withdrawn = bit(leg::withdraw);
constexpr unsigned arrived = withdrawn | bit(leg::deposit);
constexpr unsigned brought_back = withdrawn | bit(leg::refund);

bool is_leg_of(const transfer::started& what, std::string_view account_name,
               const account::moved& posting) {
  const bool pays = posting.which != leg::deposit;
  return posting.currency == what.currency && account_name == (pays ? what.from : what.to) &&
         posting.hundredths ==
             (posting.which == leg::withdraw ? -what.hundredths : what.hundredths);
}

// Whether a transfer at this step can have posted these legs.
bool fits(const transfer::state& s, unsigned legs) {
  switch (s.at) {
    case transfer::step::fresh:
      return legs == 0;
    case transfer::step::withdrawing:
      return legs == 0 || legs == withdrawn;
    case transfer::step::depositing:
      return legs == withdrawn || legs == arrived;
    case transfer::step::refunding:
      return legs == withdrawn || legs == brought_back;
    case transfer::step::clearing:
    case transfer::step::over:
      break;
  }
  return s.refusal.empty() ? legs == arrived : legs == 0 || legs == brought_back;
}

std::string names_of(unsigned legs) {
  std::string names;
  for (const auto& [which, name] :
       {std::pair{leg::withdraw, "withdraw"}, {leg::deposit, "deposit"}, {leg::refund, "refund"}}) {
    if ((legs & bit(which)) != 0) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  return names.empty() ? "none" : names;
}

}  // namespace

void transfer_audit::add(std::string_view id, const transfer::state& state,
                         nexus::sequence_nr events) {
  entries_[std::string{id}] = {.state = state, .events = events, .wrong = {}, .remembers = {}};
  ++transfers_;
  if (state.at != transfer::step::over) ++open_;
}

void transfer_audit::add(std::string_view account_name, const account::moved& posting) {
  auto& e = entries_[posting.transfer];
  const bool twice = (e.legs & bit(posting.which)) != 0;
  e.legs |= bit(posting.which);
  if (!twice && is_leg_of(e.state.what, account_name, posting)) return;
  e.wrong = fmt::format("{} {} of {} {}{}", account_name, names_of(bit(posting.which)),
                        format_hundredths(posting.hundredths), posting.currency,
                        twice ? " is there twice" : " is not its own");
}

void transfer_audit::remembered(std::string_view account_name, const std::string& id) {
  auto& e = entries_[id];
  if (e.state.at == transfer::step::over) e.remembers = account_name;
}

void transfer_audit::check(const std::function<void(const std::string& id, const std::string& what,
                                                    nexus::sequence_nr events)>& fault) const {
  for (const auto& [id, e] : entries_) {
    if (e.events == 0) {
      fault(id, "has no events, but an account knows it", e.events);
    } else if (!e.wrong.empty()) {
      fault(id, e.wrong, e.events);
    } else if (!fits(e.state, e.legs)) {
      fault(id, fmt::format("has lost or doubled money: posted were {}", names_of(e.legs)),
            e.events);
    } else if (!e.remembers.empty()) {
      fault(id, fmt::format("is over, but {} remembers it", e.remembers), e.events);
    }
  }
}

}  // namespace bank
