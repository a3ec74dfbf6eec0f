#include "api.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "account.hpp"
#include "journal.hpp"
#include "money.hpp"
#include "statement.hpp"
#include "transfers.hpp"

namespace bank {

// The request body that starts a transfer.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(transfer_arguments, from, to, amount, currency)

namespace {

namespace http = nexus::http;
using http::json;
using reply = nexus::result<http::response>;

constexpr std::size_t page_max = 1'000;
constexpr std::size_t page_usual = 100;
constexpr std::chrono::seconds sheet_deadline{10};  // a killed process that kept it is replaced

json balances_json(const account::balances& all) {
  json made = json::object();
  for (const auto& [currency, hundredths] : all) made[currency] = format_hundredths(hundredths);
  return made;
}

std::string_view status_of(const transfer::state& s) {
  if (s.at != transfer::step::over) return s.held_up_by.empty() ? "in_progress" : "held_up";
  return s.refusal.empty() ? "completed" : "refused";
}

json transfer_json(std::string_view id, const transfer::state& s) {
  json made{{"id", id},
            {"from", s.what.from},
            {"to", s.what.to},
            {"amount", format_hundredths(s.what.hundredths)},
            {"currency", s.what.currency},
            {"status", status_of(s)}};
  if (!s.refusal.empty()) made["reason"] = s.refusal;
  if (!s.held_up_by.empty()) made["reason"] = s.held_up_by;
  return made;
}

reply no_account(std::string_view name) {
  return http::response::problem(404, "no_account",
                                 fmt::format("there is no account \"{}\"", name));
}

/// A number of the query, from 1 to `max`.
nexus::result<std::uint64_t> number(const http::request& r, std::string_view name,
                                    std::uint64_t usual, std::uint64_t max) {
  const auto text = r.query(name);
  if (!text) return usual;
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (failed != std::errc{} || end != text->data() + text->size() || value == 0 || value > max) {
    return nexus::fail(nexus::errc::invalid_argument,
                       fmt::format("{}: \"{}\" is not a number from 1 to {}", name, *text, max));
  }
  return value;
}

// -- accounts -------------------------------------------------------------------------------------

json account_json(const balance& row) {
  if (!row.fault.empty()) return {{"name", row.id}, {"fault", row.fault}};
  return {{"name", row.id}, {"balances", balances_json(row.hundredths)}};
}

reply list_accounts(const http::request& r, const balance_sheet& sheet) {
  const auto limit = number(r, "limit", page_usual, page_max);
  if (!limit) return nexus::fail(limit.error());
  const auto rows = sheet.page({.type = account::entity_type,
                                .after = r.query("after").value_or(""),
                                .prefix = r.query("prefix").value_or("")},
                               *limit, sheet_deadline);
  if (!rows) return nexus::fail(rows.error());
  json page{{"accounts", json::array()}};
  for (const auto& row : *rows) page["accounts"].push_back(account_json(row));
  if (rows->size() == *limit) page["next"] = rows->back().id;
  return http::response::json(page);
}

reply show_account(const http::entity<account>& one) {
  const auto balances = one.ask(account::get_balances{}).get();
  if (!balances) return nexus::fail(balances.error());
  if (balances->empty()) return no_account(one.id());
  return http::response::json({{"name", one.id()}, {"balances", balances_json(*balances)}});
}

reply show_history(const http::request& r, nexus::journal_session& journal) {
  const auto name = r.param("account");
  const auto id = nexus::persistence_id::make(account::entity_type, name);
  if (!id) return nexus::fail(id.error());
  const auto limit = number(r, "limit", page_usual, page_max);
  if (!limit) return nexus::fail(limit.error());
  const auto from = number(r, "from", 1, nexus::sequence_nr_max);
  if (!from) return nexus::fail(from.error());
  json entries = json::array();
  std::optional<nexus::sequence_nr> next;
  bool any = false;
  auto read = for_each_entry(journal, *id, [&](const entry& e) {
    any = true;
    if (e.number < *from) return true;
    if (entries.size() == *limit) {
      next = e.number;
      return false;
    }
    entries.push_back({{"number", e.number},
                       {"date", e.date},
                       {"narration", e.narration},
                       {"amount", format_hundredths(e.hundredths)},
                       {"balance", format_hundredths(e.balance)},
                       {"currency", e.currency}});
    return true;
  });
  if (!read) return nexus::fail(std::move(read.error()));
  if (!any) return no_account(name);
  json page{{"account", name}, {"entries", std::move(entries)}};
  if (next) page["next"] = *next;
  return http::response::json(page);
}

// -- transfers ------------------------------------------------------------------------------------

/// 201 when it is over, also if it was over before; a refusal says why no money moved.
reply run(const std::string& id, const transfer_arguments& arguments,
          const http::entities<account>& accounts, const http::entities<transfer>& transfers) {
  const auto wanted = read_transfer(arguments, {"from", "to", "amount", "currency"});
  if (!wanted) return nexus::fail(wanted.error());
  auto payer = accounts.of(wanted->from).ask(account::get_balances{});
  auto payee = accounts.of(wanted->to).ask(account::get_balances{});
  for (auto& [name, asked] : {std::pair{&wanted->from, &payer}, std::pair{&wanted->to, &payee}}) {
    const auto known = asked->get();
    if (!known) return nexus::fail(known.error());
    if (known->empty()) return no_account(*name);
  }
  const auto one = transfers.of(id);
  auto started = one.ask(transfer::start{*wanted});
  auto ended = one.ask(transfer::await{});
  if (auto stored = started.get(); !stored) return nexus::fail(stored.error());
  const auto end = ended.get();
  if (!end) return nexus::fail(end.error());
  if (!end->refusal.empty()) return nexus::fail(nexus::errc::rejected, end->refusal);
  transfer::state is;
  is.what = *wanted;
  is.at = transfer::step::over;
  return http::response::json(transfer_json(id, is), 201).with("Location", "/transfers/" + id);
}

reply put_transfer(const http::request& r, const http::body<transfer_arguments>& wanted,
                   const http::entities<account>& accounts,
                   const http::entities<transfer>& transfers) {
  const auto id = nexus::ulid::parse(r.param("transfer"));
  if (!id) {
    return nexus::fail(
        nexus::errc::invalid_argument,
        fmt::format("\"{}\" is not a ULID, as a transfer's id must be", r.param("transfer")));
  }
  return run(id->to_string(), *wanted, accounts, transfers);
}

// From its events: a question would bring the transfer to life.
reply show_transfer(const http::request& r, nexus::journal_session& journal) {
  const auto id = r.param("transfer");
  const auto is = stored_transfer(journal, id);
  if (!is) return nexus::fail(is.error());
  if (is->at == transfer::step::fresh) {
    return http::response::problem(404, "no_transfer",
                                   fmt::format("there is no transfer \"{}\"", id));
  }
  return http::response::json(transfer_json(id, *is));
}

}  // namespace

void add_routes(http::server& web, nexus::system& sys, const balance_sheet& sheet) {
  (void)web.get("/accounts", [&sheet](const http::request& r) { return list_accounts(r, sheet); });
  (void)web.get("/accounts/{account}", show_account);
  (void)web.get("/accounts/{account}/history", show_history);
  (void)web.post("/transfers", [&sys](const http::body<transfer_arguments>& wanted,
                                      const http::entities<account>& accounts,
                                      const http::entities<transfer>& transfers) {
    return run(sys.next_id().to_string(), *wanted, accounts, transfers);
  });
  (void)web.put("/transfers/{transfer}", put_transfer);
  (void)web.get("/transfers/{transfer}", show_transfer);
  (void)web.get("/openapi.json", [] {
    return http::response{.body = std::string{openapi()}, .content_type = "application/json"};
  });
}

}  // namespace bank
