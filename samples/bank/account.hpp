// An account: its balances per currency, computed from its postings.
//
// Posting is idempotent with bounded memory. The account remembers, per ledger, the last line it
// took and a digest of all lines up to there. A posting names the account's line before it in the
// ledger, as an append names the number it expects: so a lost posting is never skipped, and a
// repeated one changes nothing. A ledger whose past was edited is refused at the last line taken,
// not before: the account remembers no more.
//
// The legs of transfers (see legs.hpp and transfer.hpp) are decided once too, and every verdict is
// stored, also a refusal: a repeated question must get the same answer.
//
// Pure: no clock, no I/O, no actor. tests/samples/account_test.cpp needs no runtime.
#pragma once

#include <cstdint>
#include <map>
#include <nexus/nexus.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "digest.hpp"
#include "legs.hpp"
#include "money.hpp"

namespace bank {

/// An account's progress in one ledger.
struct ledger_progress {
  std::uint64_t line = 0;    ///< the last line taken, 0 for none
  std::uint64_t digest = 0;  ///< of all lines up to there
  MSGPACK_DEFINE_MAP(line, digest)
};

/// The outcome of a posting.
enum class taken : std::uint8_t {
  posted,  ///< it is stored now
  known,   ///< it was stored already
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
  /// A leg of a transfer, posted.
  struct moved {
    static constexpr std::string_view type_name = "moved";
    std::string transfer;
    leg which{};
    std::int64_t hundredths = 0;  ///< negative: out of this account
    std::string currency;
    std::string other;  ///< the account at the other end
    MSGPACK_DEFINE_MAP(transfer, which, hundredths, currency, other)
  };
  /// A leg that will not be posted.
  struct refused {
    static constexpr std::string_view type_name = "refused";
    std::string transfer;
    leg which{};
    std::string why;
    MSGPACK_DEFINE_MAP(transfer, which, why)
  };
  /// The transfer has stored the verdict.
  struct forgot {
    static constexpr std::string_view type_name = "forgot";
    std::string transfer;
    MSGPACK_DEFINE_MAP(transfer)
  };
  using event = std::variant<posted, moved, refused, forgot>;

  using balances = std::map<std::string, std::int64_t>;  // currency to hundredths

  struct state {
    static constexpr std::uint32_t schema_version = 2;
    balances hundredths;
    std::map<std::string, ledger_progress> ledgers;
    transfer_memory transfers;
    MSGPACK_DEFINE_MAP(hundredths, ledgers, transfers)

    // Snapshots from before transfers existed.
    static void upcast(nexus::from_version<1>, nexus::document& d) {
      d.set("transfers", transfer_memory{});
    }
  };

  /// Answers the outcome of the posting.
  struct post {
    posted what;
    std::uint64_t after = 0;   ///< the account's line before this one in the ledger, 0 for none
    std::uint64_t digest = 0;  ///< of the account's postings in the ledger, this one included
  };
  /// Answers every balance the account ever had, zeros included.
  struct get_balances {};
  /// Answers the verdict, the same for every repetition.
  struct move {
    moved what;
  };
  /// Sent when the verdicts are stored. Nothing happens if there are none.
  struct forget {
    std::string transfer;
  };
  using command = std::variant<post, get_balances, move, forget>;

  /// The digest after `p`, from the digest `before`.
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
    if (!has_room(s, c.what.currency, c.what.hundredths)) {
      return nexus::reject("the balance in " + c.what.currency + " would overflow");
    }
    return nexus::persist(c.what).then_reply([](const state&) { return taken::posted; });
  }

  static auto decide(const state& s, const get_balances&) { return nexus::reply(s.hundredths); }

  static nexus::effect<account, verdict> decide(const state& s, const move& c,
                                                const nexus::context& self) {
    const auto& [transfer, which, hundredths, currency, other] = c.what;
    if (auto known = s.transfers.find(transfer, which)) return nexus::reply(std::move(*known));
    if (auto why = refusal(s, c.what, self.id())) {
      return nexus::persist(refused{transfer, which, *why}).then_reply([v = verdict{*why}](auto&) {
        return v;
      });
    }
    return nexus::persist(c.what).then_reply([](const state&) { return verdict{}; });
  }

  static nexus::effect<account> decide(const state& s, const forget& c) {
    if (!s.transfers.is_open(c.transfer)) return nexus::none();
    return nexus::persist(forgot{c.transfer});
  }

  static void apply(state& s, const posted& e) {
    add(s, e.currency, e.hundredths);
    auto& progress = s.ledgers[e.ledger];
    progress = {.line = e.line, .digest = digest_after(progress.digest, e)};
  }
  static void apply(state& s, const moved& e) {
    add(s, e.currency, e.hundredths);
    s.transfers.posted(e.transfer, e.which, e.hundredths, e.currency);
  }
  static void apply(state& s, const refused& e) { s.transfers.refused(e.transfer, e.which, e.why); }
  static void apply(state& s, const forgot& e) { s.transfers.forgot(e.transfer); }

 private:
  static std::int64_t balance(const state& s, const std::string& currency) {
    const auto found = s.hundredths.find(currency);
    return found == s.hundredths.end() ? 0 : found->second;
  }

  static void add(state& s, const std::string& currency, std::int64_t hundredths) {
    auto& sum = s.hundredths[currency];
    if (!add_checked(sum, hundredths, sum)) throw std::overflow_error("balance overflows");
  }

  // Money taken out by open transfers keeps its room: a refund is never refused.
  static bool has_room(const state& s, const std::string& currency, std::int64_t hundredths) {
    std::int64_t sum = balance(s, currency);
    return add_checked(sum, hundredths, sum) && s.transfers.add_outgoing(currency, sum);
  }

  static std::optional<std::string> refusal(const state& s, const moved& m, std::string_view self) {
    if (m.which == leg::withdraw && balance(s, m.currency) < -m.hundredths) {
      return "insufficient funds: " + std::string{self} + " has " +
             format_hundredths(balance(s, m.currency)) + " " + m.currency + ", not " +
             format_hundredths(-m.hundredths);
    }
    if (m.which == leg::deposit && !has_room(s, m.currency, m.hundredths)) {
      return "the balance of " + std::string{self} + " in " + m.currency + " would overflow";
    }
    return {};
  }
};

}  // namespace bank
