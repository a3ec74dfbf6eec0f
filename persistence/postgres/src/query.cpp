// Queries over many entities: SQL made from a filter.
#include <fmt/format.h>

#include <array>
#include <limits>

#include "nexus/journal_checks.hpp"
#include "nexus/query_conditions.hpp"
#include "paging.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

using kind = query_condition::kind;

// By kind; {0} is the parameter, {1} the second part of a position, {2} the table whose index gives
// the order. The number of a cursor's event bounds those of its id: without it a page would read the
// id's events from the first one on.
constexpr std::array<std::string_view, query_condition::kinds> conditions{
    "j.event_type = {0}::text",
    "j.persistence_id = {0}::text",
    "j.persistence_id >= {0}::text",
    "j.persistence_id < {0}::text",
    "substr(j.persistence_id, strpos(j.persistence_id, '|') + 1) = {0}::text",
    "t.tag = {0}::text",
    "j.timestamp > {0}::timestamptz",
    "j.timestamp < {0}::timestamptz",
    "j.slice >= {0}::int8",
    "j.slice <= {0}::int8",
    "({2}.transaction_id, {2}.position) > ({0}::xid8, {1}::int8)",
    "({2}.transaction_id, {2}.position) <= ({0}::xid8, {1}::int8)"};
constexpr std::string_view number_of_cursor =
    "(SELECT c.sequence_nr FROM nexus_event_journal c WHERE c.transaction_id = {0}::xid8 "
    "AND c.position = {1}::int8 AND c.persistence_id = j.persistence_id)";

std::string_view ordered(const query_plan& plan) { return plan.by_tag ? "t" : "j"; }

std::string where_clause(const query_plan& plan) {
  std::string made = " FROM ";
  if (plan.by_tag) {
    made += "nexus_event_tags t JOIN nexus_event_journal j USING (transaction_id, position)";
  } else {
    made += "nexus_event_journal j";
  }
  made += fmt::format(" WHERE {}.transaction_id < pg_snapshot_xmin(pg_current_snapshot())",
                      ordered(plan));
  int parameter = 0;
  for (const auto& one : plan.conditions) {
    const bool of_position = std::holds_alternative<position>(one.value);
    const auto first = fmt::format("${}", ++parameter);
    const auto second = of_position ? fmt::format("${}", ++parameter) : std::string{};
    made += " AND ";
    made += fmt::format(fmt::runtime(conditions[static_cast<std::size_t>(one.what)]), first, second,
                        ordered(plan));
    if (!of_position || !plan.of_one_id || plan.by_tag) continue;
    made += one.what == kind::after ? " AND j.sequence_nr > coalesce("
                                    : " AND j.sequence_nr <= coalesce(";
    made += fmt::format(fmt::runtime(number_of_cursor), first, second);
    made += one.what == kind::after ? ", 0)" : ", 9223372036854775807)";
  }
  return made;
}

std::string page_sql(const query_plan& plan) {
  const std::string_view way = plan.newest_first ? " DESC" : "";
  const auto by = plan.of_one_id && !plan.by_tag
                      ? fmt::format("j.sequence_nr{}", way)
                      : fmt::format("{0}.transaction_id{1}, {0}.position{1}", ordered(plan), way);
  const auto parameters = [&] {
    int count = 0;
    for (const auto& one : plan.conditions)
      count += std::holds_alternative<position>(one.value) ? 2 : 1;
    return count;
  }();
  return fmt::format(
      "SELECT j.sequence_nr, j.event_type, j.schema_version, j.codec, j.event_data, "
      "j.transaction_id, j.position, j.writer_id, j.metadata, j.timestamp, j.tags, "
      "j.persistence_id{} ORDER BY {} LIMIT ${}::int8 OFFSET ${}::int8",
      where_clause(plan), by, parameters + 1, parameters + 2);
}

// Times that no event can have become -infinity and infinity, which compare as those times do.
std::int64_t column_time(timestamp t) {
  const auto range = limits();
  if (t < range.time_min) return std::numeric_limits<std::int64_t>::min();
  if (t > range.time_max) return std::numeric_limits<std::int64_t>::max();
  return t.time_since_epoch().count() - postgres_epoch_micros;
}

parameters bound(const query_plan& plan) {
  parameters made;
  for (const auto& one : plan.conditions) {
    if (const auto* text = std::get_if<std::string>(&one.value)) made.text(*text);
    if (const auto* number = std::get_if<std::int64_t>(&one.value)) made.int8(*number);
    if (const auto* time = std::get_if<timestamp>(&one.value)) made.int8(column_time(*time));
    if (const auto* at = std::get_if<position>(&one.value)) {
      made.int8(static_cast<std::int64_t>(at->major)).int8(column_nr(at->minor));
    }
  }
  return made;
}

}  // namespace

// In the round trip of the statement, its positions are checked.
result<rows> session::run_plan(connection& c, const query_plan& plan, const std::string& sql,
                               const parameters& with) {
  const auto& made = core_->queries.of(core_->where.tables.named(sql));
  position last;
  for (const auto& one : plan.conditions) {
    if (const auto* at = std::get_if<position>(&one.value); at != nullptr && last < *at) last = *at;
  }
  if (last.is_start()) return c.query(made, with);
  parameters checked;
  checked.int8(static_cast<std::int64_t>(last.major));
  auto answers = c.run({{core_->sql.is_past_the_end, checked}, {made, with}});
  if (answers.front().boolean(0, 0)) return fail(past_the_end(last, core_->where.name));
  return std::move(answers.back());
}

result<page_info> session::query_some(connection& c, const event_filter& filter,
                                      const event_page& page, const journal_sink& sink) {
  auto plan = plan_of(filter, page, core_->epoch, core_->where.name);
  if (!plan) return fail(std::move(plan.error()));
  query_pager pager{filter, page};
  if (plan->nothing) return pager.info();
  auto with = bound(*plan);
  with.int8(plan->rows).int8(plan->offset);
  const auto found = run_plan(c, *plan, page_sql(*plan), with);
  if (!found) return fail(error{found.error()});
  record_reader reader{*found, core_->epoch};
  const journal_sink take = [&](const auto&... r) { return pager.take(r..., sink); };
  for (int row = 0; row < found->size(); ++row) {
    record_view record;
    auto more = pass_row(*found, reader, row, record, take);
    if (!more) return fail(std::move(more.error()));
    if (!*more) break;
  }
  return pager.info();
}

// libpq holds a whole result in memory: a page is read in parts, each behind the one before.
result<page_info> session::query(const event_filter& filter, const event_page& page,
                                 const journal_sink& sink) {
  return with_connection("query events", [&](connection& c) -> result<page_info> {
    paging parts{core_->page_rows};
    bool ended = false;
    const journal_sink pass = [&](const persistence_id& of, const record_view& r) {
      parts.seen(r);
      ended = !sink(of, r);
      return !ended;
    };
    if (auto why = fault_of(page)) return fail(*std::move(why));
    auto info = query_pager{filter, page}.info();
    auto part = page;
    for (auto left = page.limit;;) {
      part.limit = parts.rows(static_cast<std::size_t>(left));
      auto some = query_some(c, filter, part, pass);
      if (!some) return some;
      info.size += some->size;
      info.has_next = some->has_next;
      info.next = some->next;
      left -= static_cast<std::int64_t>(some->size);
      if (left <= 0 || !some->has_next || ended) break;
      part.cursor = some->next;
      part.offset = 0;
      parts.next();
    }
    if (page.count) {
      auto total = count_of(c, filter);
      if (!total) return fail(std::move(total.error()));
      info.total = *total;
    }
    return info;
  });
}

result<std::uint64_t> session::count_of(connection& c, const event_filter& filter) {
  auto plan = plan_of(filter, {}, core_->epoch, core_->where.name);
  if (!plan) return fail(std::move(plan.error()));
  if (plan->nothing) return 0;
  const auto found = run_plan(c, *plan, "SELECT count(*)" + where_clause(*plan), bound(*plan));
  if (!found) return fail(error{found.error()});
  return static_cast<std::uint64_t>(found->int8(0, 0));
}

result<std::uint64_t> session::count(const event_filter& filter) {
  return with_connection("count events", [&](connection& c) { return count_of(c, filter); });
}

result<std::string> session::explain(const event_filter& filter) {
  return with_connection("explain a query", [&](connection& c) -> result<std::string> {
    auto plan = plan_of(filter, {}, core_->epoch, core_->where.name);
    if (!plan) return fail(std::move(plan.error()));
    const auto sql = core_->where.tables.named("EXPLAIN (COSTS OFF) " + page_sql(*plan));
    auto with = bound(*plan);
    with.int8(plan->rows).int8(plan->offset);
    const auto found = c.query(core_->queries.of(sql), with);
    const auto by_position = core_->where.tables.named("nexus_event_journal_by_position");
    std::string told;
    bool uses = false;
    for (int row = 0; row < found.size(); ++row) {
      auto line = found.bytes(row, 0);
      line.remove_prefix(std::min(line.find_first_not_of(" ->"), line.size()));
      uses |= line.find("Index") == 0 && line.find(" on ") != std::string_view::npos &&
              line.find(by_position) == std::string_view::npos;
      uses |= line.find("Bitmap Index Scan") == 0;
      told += fmt::format("{}{}", told.empty() ? "" : "; ", line);
    }
    return fmt::format("{}: {}", uses ? "uses an index" : "scans the journal", told);
  });
}

}}}  // namespace nexus::v0::postgres
