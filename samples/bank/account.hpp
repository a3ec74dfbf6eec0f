// An account: its balances per currency, made of the postings it has taken.
//
// Posting is idempotent with bounded memory. The account remembers, per ledger, the last line it
// took and a digest of all it took from there. A posting says which line of the account stands
// before it in the ledger, as an append says which number it expects: so one that was lost on the
// way is never skipped, and one that comes again changes nothing. A ledger whose past was edited is
// refused when it comes to the last line taken, not before: that is all an account remembers.
//
// Pure: no clock, no I/O, no actor. tests/samples/account_test.cpp needs no runtime.
#pragma once

#include <cstdint>
#include <map>
#include <nexus/nexus.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "digest.hpp"
#include "money.hpp"

namespace bank {

/// What an account has taken from one ledger.
struct ledger_progress {
  std::uint64_t line = 0;    ///< the last line taken, 0 for none
  std::uint64_t digest = 0;  ///< of all that was taken up to there
  MSGPACK_DEFINE_MAP(line, digest)
};

/// How an account took a posting.
enum class taken : std::uint8_t {
  posted,  ///< it is stored now
  known,   ///< it was there already
  early,   ///< the posting before it has not arrived: send that one first
};

struct account {
  static constexpr std::string_view entity_type = "account";

  struct posted {
    static constexpr std::string_view type_name = "posted";
    std::string ledger;
    std::uint64_t line = 0;
    std::string date;
    std::string narration;
    std::string transaction;
    std::int64_t hundredths = 0;
    std::string currency;
    MSGPACK_DEFINE_MAP(ledger, line, date, narration, transaction, hundredths, currency)
  };
  using event = std::variant<posted>;

  using balances = std::map<std::string, std::int64_t>;  // currency to hundredths

  struct state {
    balances hundredths;
    std::map<std::string, ledger_progress> ledgers;
    MSGPACK_DEFINE_MAP(hundredths, ledgers)
  };

  /// Answers how the posting was taken.
  struct post {
    posted what;
    std::uint64_t after = 0;   ///< the account's line before this one in the ledger, 0 for none
    std::uint64_t digest = 0;  ///< of the account's postings in the ledger, this one included
  };
  /// Answers every balance the account ever had, also zeros.
  struct get_balances {};
  using command = std::variant<post, get_balances>;

  /// The digest after `p`, if it was `before` until then.
  static std::uint64_t digest_after(std::uint64_t before, const posted& p) {
    digest d{before};
    d.add(p.line).add(p.date).add(p.narration).add(p.transaction).add(p.hundredths);
    return d.add(p.currency).value();
  }

  static nexus::effect<account, taken> decide(const state& s, const post& c) {
    const auto seen = s.ledgers.find(c.what.ledger);
    const auto last = seen == s.ledgers.end() ? ledger_progress{} : seen->second;
    if (c.what.line < last.line) return nexus::reply(taken::known);
    if (c.what.line == last.line) {
      if (c.digest == last.digest) return nexus::reply(taken::known);
      return nexus::reject("differs from what was posted from this ledger before");
    }
    if (c.after > last.line) return nexus::reply(taken::early);
    if (c.after < last.line) {
      return nexus::reject("the ledger no longer has line " + std::to_string(last.line) +
                           ", which was posted before");
    }
    const auto balance = s.hundredths.find(c.what.currency);
    std::int64_t sum = balance == s.hundredths.end() ? 0 : balance->second;
    if (!add_checked(sum, c.what.hundredths, sum)) {
      return nexus::reject("the balance in " + c.what.currency + " would overflow");
    }
    return nexus::persist(c.what).then_reply([](const state&) { return taken::posted; });
  }

  static auto decide(const state& s, const get_balances&) { return nexus::reply(s.hundredths); }

  static void apply(state& s, const posted& e) {
    auto& balance = s.hundredths[e.currency];
    if (!add_checked(balance, e.hundredths, balance))
      throw std::overflow_error("balance overflows");
    auto& progress = s.ledgers[e.ledger];
    progress = {.line = e.line, .digest = digest_after(progress.digest, e)};
  }
};

}  // namespace bank
