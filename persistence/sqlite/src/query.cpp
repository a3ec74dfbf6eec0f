// Queries over many entities: SQL made from a filter.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "nexus/journal_checks.hpp"
#include "nexus/query_conditions.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

// By kind; {} is the parameter. The number of a cursor's event bounds those of its id: without it a
// page would read the id's events from the first one on.
constexpr std::array<std::string_view, query_condition::kinds> conditions{
    "j.event_type = {}",
    "j.persistence_id = {}",
    "j.persistence_id >= {}",
    "j.persistence_id < {}",
    "substr(j.persistence_id, instr(j.persistence_id, '|') + 1) = {}",
    "t.tag = {}",
    "j.timestamp > {}",
    "j.timestamp < {}",
    "j.slice >= {}",
    "j.slice <= {}",
    "{0}.position > {1}",
    "{0}.position <= {1}"};
constexpr std::string_view number_after =
    " AND j.sequence_nr > coalesce((SELECT c.sequence_nr FROM nexus_event_journal c "
    "WHERE c.position = {0} AND c.persistence_id = j.persistence_id), 0)";
constexpr std::string_view number_up_to =
    " AND j.sequence_nr <= coalesce((SELECT c.sequence_nr FROM nexus_event_journal c "
    "WHERE c.position = {0} AND c.persistence_id = j.persistence_id), 9223372036854775807)";

// The table whose index gives the order.
std::string_view ordered(const query_plan& plan) { return plan.by_tag ? "t" : "j"; }

// For a page of a type with many events it is faster to walk in the order of the journal, past the
// events of other types, than to sort all of the type.
constexpr std::int64_t many = 10'000;

bool has_many(connection& c, const query_plan& plan) {
  if (plan.by_tag || plan.of_one_id) return false;
  const auto type =
      std::ranges::find(plan.conditions, query_condition::kind::id_from, &query_condition::what);
  if (type == plan.conditions.end()) return false;
  const auto& from = std::get<std::string>(type->value);
  if (c.frequent_types.contains(from)) return true;  // a stream asks for each batch
  statement counting{*c.db, fmt::format("SELECT count(*) FROM (SELECT 1 FROM nexus_event_journal "
                                        "WHERE persistence_id >= ?1 AND persistence_id < ?2 "
                                        "LIMIT {})",
                                        many)};
  counting.text(1, from).text(2, std::get<std::string>(std::next(type)->value));  // its id_to
  reading scope{counting};
  counting.step();
  if (counting.integer(0) < many) return false;
  c.frequent_types.insert(from);
  return true;
}

// `walks`: without the index of ids.
std::string where_clause(const query_plan& plan, bool walks = false) {
  std::string made = " FROM ";
  // CROSS: the events of a tag are few, and stand in order in its index.
  if (plan.by_tag) made += "nexus_event_tags t CROSS JOIN ";
  made += "nexus_event_journal j WHERE ";
  made += plan.by_tag ? "j.position = t.position" : "true";
  int parameter = 0;
  for (const auto& one : plan.conditions) {
    using kind = query_condition::kind;
    const auto text = conditions[static_cast<std::size_t>(one.what)];
    const auto at = fmt::format("?{}", ++parameter);
    const bool of_position = one.what == kind::after || one.what == kind::up_to;
    const bool of_type = one.what == kind::id_from || one.what == kind::id_to;
    made += walks && of_type ? " AND +" : " AND ";
    made += of_position ? fmt::format(fmt::runtime(text), ordered(plan), at)
                        : fmt::format(fmt::runtime(text), at);
    if (!of_position || !plan.of_one_id || plan.by_tag) continue;
    made += fmt::format(fmt::runtime(one.what == kind::after ? number_after : number_up_to), at);
  }
  return made;
}

std::string page_sql(connection& c, const query_plan& plan) {
  const auto by = plan.of_one_id && !plan.by_tag ? std::string{"j.sequence_nr"}
                                                 : fmt::format("{}.position", ordered(plan));
  return fmt::format(
      "SELECT j.sequence_nr, j.position, j.writer_id, j.event_type, j.schema_version, j.codec, "
      "j.event_data, j.metadata, j.timestamp, j.persistence_id{} ORDER BY {}{} LIMIT {} OFFSET {}",
      where_clause(plan, has_many(c, plan)), by, plan.newest_first ? " DESC" : "", plan.rows,
      plan.offset);
}

void bind(statement& to, const query_plan& plan) {
  int at = 0;
  for (const auto& one : plan.conditions) {
    ++at;
    if (const auto* text = std::get_if<std::string>(&one.value)) to.text(at, *text);
    if (const auto* number = std::get_if<std::int64_t>(&one.value)) to.integer(at, *number);
    if (const auto* time = std::get_if<timestamp>(&one.value)) to.integer(at, micros(*time));
    if (const auto* place = std::get_if<position>(&one.value)) {
      to.integer(at, column_nr(place->major));
    }
  }
}

result<std::uint64_t> count_of(connection& c, const query_plan& plan) {
  statement counting{*c.db, "SELECT count(*)" + where_clause(plan)};
  bind(counting, plan);
  reading scope{counting};
  counting.step();
  return static_cast<std::uint64_t>(counting.integer(0));
}

}  // namespace

result<page_info> session::query(const event_filter& filter, const event_page& page,
                                 const journal_sink& sink) {
  apart passing{sink};
  auto done = with_connection("query events", [&](connection& c) -> result<page_info> {
    auto plan = plan_of(filter, page, c.epoch, where_.name);
    if (!plan) return fail(std::move(plan.error()));
    query_pager pager{filter, page};
    const read_transaction snapshot{c};
    if (!plan->nothing) {
      statement rows{*c.db, page_sql(c, *plan)};
      bind(rows, *plan);
      const journal_sink pass = [&](const auto&... r) { return passing(r...); };
      auto read = pass_rows(c, rows, [&](const persistence_id& of, const record_view& r) {
        return pager.take(of, r, pass);
      });
      if (!read) return fail(std::move(read.error()));
    }
    auto info = pager.info();
    if (page.count) {
      auto total = count_of(c, *plan_of(filter, {}, c.epoch, where_.name));
      if (!total) return fail(std::move(total.error()));
      info.total = *total;
    }
    return info;
  });
  passing.rethrow();
  return done;
}

result<std::uint64_t> session::count(const event_filter& filter) {
  return with_connection("count events", [&](connection& c) -> result<std::uint64_t> {
    auto plan = plan_of(filter, {}, c.epoch, where_.name);
    if (!plan) return fail(std::move(plan.error()));
    return plan->nothing ? 0 : count_of(c, *plan);
  });
}

result<std::string> session::explain(const event_filter& filter) {
  return with_connection("explain a query", [&](connection& c) -> result<std::string> {
    auto plan = plan_of(filter, {}, c.epoch, where_.name);
    if (!plan) return fail(std::move(plan.error()));
    statement explaining{*c.db, "EXPLAIN QUERY PLAN " + page_sql(c, *plan)};
    bind(explaining, *plan);
    reading scope{explaining};
    std::string told;
    while (explaining.step()) {
      const auto step = explaining.bytes(3);
      // Of the events; the look-up of a cursor's number does not matter.
      if (told.empty() || step.find(" j ") != std::string_view::npos) {
        told += fmt::format("{}{}", told.empty() ? "" : "; ", step);
      }
    }
    const bool scans = told.starts_with("SCAN") || told.find("SCAN j") != std::string::npos;
    return fmt::format("{}: {}", scans ? "scans the journal" : "uses an index", told);
  });
}

}}}  // namespace nexus::v0::sqlite
