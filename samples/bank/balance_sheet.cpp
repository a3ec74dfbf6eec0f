#include "balance_sheet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "endurance.hpp"
#include "trouble.hpp"

namespace bank {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr const char* sheet_name = "balances";
// Another version has rows and offsets of its own: raise both when `balance::add` changes.
constexpr std::int64_t sheet_version = 1;
constexpr const char* sheet_rows = "balances 1";
constexpr std::size_t skipped_max = 100'000;

// The rows and the projection's offset are committed together.
nexus::result<void> add(nexus::session& on, std::span<const nexus::projected<account>> events) {
  nexus::deferred_read_models models{on};
  auto& rows = models.of<balance>(sheet_rows);
  for (const auto& e : events) {
    auto row = rows.find(e.id);
    if (!row) return nexus::fail(std::move(row.error()));
    if (!*row) *row = std::make_shared<balance>(balance{.id = e.id});
    (*row)->add(e.number, e.event);
    if (auto kept = rows.save(*row); !kept) return kept;
  }
  if (auto written = models.flush(sheet_name); !written) return nexus::fail(written.error());
  return {};
}

nexus::projection_options options() {
  nexus::projection_options o;
  o.version = sheet_version;
  o.parallel = 4;
  o.from_kept = true;  // the accounts that lack events get a fault
  o.retries = 0;       // `balance::add` says the same each time
  o.on_failure = nexus::projection_options::failing::skip;
  o.lease = 3s;
  o.on_rebuild = [](nexus::session& on) {
    return balances_in(on).remove_all().map([](std::size_t) {});
  };
  return o;
}

nexus::result<std::vector<nexus::position>> ends_of(nexus::journal_session& journal) {
  std::vector<nexus::position> ends;
  for (std::uint32_t strand = 0; strand < journal.strands(); ++strand) {
    auto last = journal.last(strand);
    if (!last) return nexus::fail(std::move(last.error()));
    ends.push_back(*last);
  }
  return ends;
}

// Whether the rows that the transaction sees have everything up to these positions: another process
// may have begun to rebuild them.
nexus::result<bool> has_all(nexus::session& on, const std::vector<nexus::position>& ends) {
  const auto cells = on.projections()->cells({sheet_name, sheet_version});
  if (!cells) return nexus::fail(cells.error());
  return std::ranges::none_of(*cells,
                              [&](const auto& one) { return one.at < ends[one.at.strand]; });
}

nexus::result<std::map<std::string, nexus::projection_failure>> unreadable_in(nexus::session& on) {
  auto skipped = on.projections()->failures({sheet_name, sheet_version}, skipped_max);
  if (!skipped) return nexus::fail(std::move(skipped.error()));
  std::map<std::string, nexus::projection_failure> first;
  for (auto& one : *skipped) first.try_emplace(std::string{one.of.id()}, std::move(one));
  return first;
}

// Events after an unreadable one leave a fault in the row; this finds one that nothing followed.
void mark(balance& row, const std::map<std::string, nexus::projection_failure>& unreadable) {
  const auto found = unreadable.find(row.id);
  if (found == unreadable.end() || found->second.number <= row.events) return;
  row.fault = found->second.error;
}

template <class F>
auto in_snapshot(nexus::session& on, F f) -> decltype(f(on)) {
  if (!on.has_sql()) return f(on);
  return nexus::transactional(on, f,
                              {.level = nexus::isolation::repeatable_read, .read_only = true});
}

}  // namespace

nexus::repository<balance> balances_in(nexus::session& session) {
  return nexus::read_models{session}.of<balance>(sheet_rows);
}

void balance::add(nexus::sequence_nr number, const account::event& event) {
  if (number <= events || !fault.empty()) return;
  if (number > events + 1) {
    fault = fmt::format("event {} is missing or unreadable", events + 1);
    return;
  }
  const auto count = [this](const std::string& currency, std::int64_t amount) {
    auto& sum = hundredths[currency];
    if (!add_checked(sum, amount, sum)) fault = "the balance in " + currency + " overflows";
  };
  if (const auto* p = std::get_if<account::posted>(&event)) count(p->currency, p->hundredths);
  if (const auto* m = std::get_if<account::moved>(&event)) count(m->currency, m->hundredths);
  events = number;
}

balance_sheet::balance_sheet(nexus::system& sys, nexus::store journal)
    : journal_{std::move(journal)}, report_{sys, journal_, sheet_name, add, options()} {}

nexus::result<void> balance_sheet::wait(progress& bar, std::chrono::seconds patience) const {
  constexpr auto worth_a_word = 2s;
  constexpr auto look =
      500ms;  // each asks the journal for its ends, a request per strand on DynamoDB
  const auto begin = steady::now();
  const auto before = report_.status().handled;
  endurance left{patience, begin};
  bool told = false;
  for (;;) {
    auto done = report_.caught_up(look);
    const auto status = report_.status();
    const auto added = status.handled - before;
    if (status.cells > 0) bar.update(added, added + status.behind);
    if (done || !is_trouble(done.error().code)) return done;
    const auto now = steady::now();
    const bool fails = status.phase == nexus::projection_phase::waiting ||
                       done.error().code != nexus::errc::timeout;
    if (!fails) {
      left.got_through(now);
    } else if (!left.outlasts(now)) {
      return done;
    }
    if (status.cells == 0 && !fails && !told && now - begin > worth_a_word) {
      told = true;
      bar.note("waiting for another process, which keeps the balance sheet");
    }
  }
}

// `rows` may be called again if the transaction collides with another one.
nexus::result<std::vector<balance>> balance_sheet::read(std::chrono::seconds within,
                                                        const reader& rows) const {
  const auto until = steady::now() + within;
  const auto ends = journal_.sessions().with(ends_of);
  if (!ends) return nexus::fail(ends.error());
  for (;;) {
    const auto left = std::max(until - steady::now(), steady::duration{});
    if (auto done = report_.caught_up(left); !done) {
      return nexus::fail(nexus::errc::unavailable, done.error().message);
    }
    bool whole = false;
    auto found = journal_.sessions().with([&](nexus::session& lent) {
      return in_snapshot(lent, [&](nexus::session& on) -> nexus::result<std::vector<balance>> {
        const auto has = has_all(on, *ends);
        if (!has) return nexus::fail(has.error());
        whole = *has;
        return whole ? rows(on) : std::vector<balance>{};
      });
    });
    if (!found || whole) return found;
  }
}

nexus::result<std::vector<balance>> balance_sheet::all(std::chrono::seconds within) const {
  return read(within, [](nexus::session& on) -> nexus::result<std::vector<balance>> {
    const auto unreadable = unreadable_in(on);
    if (!unreadable) return nexus::fail(unreadable.error());
    std::map<std::string, balance> rows;
    for (const auto& [name, why] : *unreadable) rows[name].id = name;
    auto read = balances_in(on).for_each([&](balance&& row) {
      const auto name = row.id;
      rows.insert_or_assign(name, std::move(row));
      return true;
    });
    if (!read) return nexus::fail(std::move(read.error()));
    std::vector<balance> found;
    for (auto& [name, row] : rows) {
      mark(row, *unreadable);
      found.push_back(std::move(row));
    }
    return found;
  });
}

nexus::result<std::vector<balance>> balance_sheet::page(const nexus::id_filter& which,
                                                        std::size_t max,
                                                        std::chrono::seconds within) const {
  // First: each of them has a row then, or an unreadable event.
  const auto ids =
      journal_.sessions().with([&](nexus::journal_session& on) { return on.ids(which, max); });
  if (!ids) return nexus::fail(ids.error());
  std::vector<std::string> names;
  for (const auto& id : *ids) names.emplace_back(id.id());
  return read(within, [&](nexus::session& on) -> nexus::result<std::vector<balance>> {
    const auto unreadable = unreadable_in(on);
    if (!unreadable) return nexus::fail(unreadable.error());
    auto rows = balances_in(on).find_by({{"id", names}});
    if (!rows) return rows;
    std::vector<balance> found;
    for (auto row = rows->begin(); const auto& name : names) {
      const bool has_row = row != rows->end() && row->id == name;
      found.push_back(has_row ? std::move(*row++) : balance{.id = name});
      mark(found.back(), *unreadable);
    }
    return found;
  });
}

}  // namespace bank
