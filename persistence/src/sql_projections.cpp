#include "nexus/detail/sql_projections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "nexus/transaction.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

error damaged(const projection_version& of, std::uint32_t cell, const error& why) {
  return {errc::corrupt, fmt::format("projection {} version {}: cell {}: {}", of.name, of.version,
                                     cell, why.message)};
}

}  // namespace

sql_projections::sql_projections(session& on, const schema_choices& tables, const sql_dialect& of)
    : on_{on}, sql_{[&] {
        const auto made = [&](std::string_view sql) {
          auto text = tables.named(sql);
          const auto replace = [&](std::string_view what, std::string_view by) {
            for (auto at = text.find(what); at != std::string::npos; at = text.find(what)) {
              text.replace(at, what.size(), by);
            }
          };
          replace("{now}", of.now);
          replace("{if_free}", of.if_free);
          replace("{micros}", of.microseconds);
          return text;
        };
        texts t;
        t.reads =
            made("SELECT reads FROM nexus_projections WHERE projection = $1 AND version = $2");
        t.declare = made(
            "INSERT INTO nexus_projections (projection, version, reads, paused, timestamp) "
            "VALUES ($1, $2, $3, 0, {now}) ON CONFLICT (projection, version) DO UPDATE SET "
            "reads = CASE WHEN nexus_projections.reads = '' THEN excluded.reads "
            "ELSE nexus_projections.reads END");
        t.add = made(
            "INSERT INTO nexus_projection_offsets (projection, version, cell, position, owner, "
            "lease, wanted_by, timestamp) VALUES ($1, $2, $3, $4, '', 0, '', {now}) "
            "ON CONFLICT (projection, version, cell) DO NOTHING");
        t.cells = made(
            "SELECT cell, position, owner, lease, wanted_by FROM nexus_projection_offsets "
            "WHERE projection = $1 AND version = $2 ORDER BY cell");
        t.advance = made(
            "UPDATE nexus_projection_offsets SET position = $3, lease = lease + 1, "
            "timestamp = {now} WHERE projection = $1 AND version = $2 AND owner = $4 "
            "AND position = $5 AND cell BETWEEN $6 AND $7");
        t.give = made(
            "UPDATE nexus_projection_offsets SET owner = $3, lease = lease + 1, wanted_by = '', "
            "timestamp = {now} WHERE projection = $1 AND version = $2 AND cell = $4 "
            "AND owner = $5 AND lease = $6");
        t.take = made(
            "UPDATE nexus_projection_offsets SET owner = $3, lease = lease + 1, wanted_by = '', "
            "timestamp = {now} WHERE projection = $1 AND version = $2 "
            "AND cell IN (SELECT cell FROM nexus_projection_offsets WHERE projection = $1 "
            "AND version = $2 AND cell = $4 AND owner = $5 AND lease = $6 {if_free})");
        t.want = made(
            "UPDATE nexus_projection_offsets SET wanted_by = $3 WHERE projection = $1 "
            "AND version = $2 AND cell IN (SELECT cell FROM nexus_projection_offsets "
            "WHERE projection = $1 AND version = $2 AND cell = $4 AND owner = $5 "
            "AND wanted_by = ''{if_free})");
        t.end_holders = made(of.end_holders);
        t.restart = made(
            "UPDATE nexus_projection_offsets SET position = $3, owner = '', lease = lease + 1, "
            "wanted_by = '', timestamp = {now} WHERE projection = $1 AND version = $2 "
            "AND cell BETWEEN $4 AND $5");
        t.paused =
            made("SELECT paused FROM nexus_projections WHERE projection = $1 AND version = $2");
        t.pause = made(
            "INSERT INTO nexus_projections (projection, version, reads, paused, timestamp) "
            "VALUES ($1, $2, '', $3, {now}) ON CONFLICT (projection, version) DO UPDATE SET "
            "paused = excluded.paused, timestamp = excluded.timestamp");
        t.add_failure = made(
            "INSERT INTO nexus_projection_failures (projection, version, persistence_id, "
            "sequence_nr, position, event_type, error, attempts, timestamp) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, {now}) "
            "ON CONFLICT (projection, version, persistence_id, sequence_nr) DO UPDATE SET "
            "error = excluded.error, attempts = excluded.attempts, "
            "timestamp = excluded.timestamp");
        t.update_failure = made(
            "UPDATE nexus_projection_failures SET error = $3, attempts = $4, timestamp = {now} "
            "WHERE projection = $1 AND version = $2 AND persistence_id = $5 AND sequence_nr = $6");
        t.failures = made(
            "SELECT persistence_id, sequence_nr, position, event_type, error, attempts, {micros} "
            "FROM nexus_projection_failures WHERE projection = $1 AND version = $2 "
            "ORDER BY persistence_id, sequence_nr LIMIT $3");
        t.count_failures = made(
            "SELECT count(*) FROM nexus_projection_failures WHERE projection = $1 "
            "AND version = $2");
        t.remove_failure = made(
            "DELETE FROM nexus_projection_failures WHERE projection = $1 AND version = $2 "
            "AND persistence_id = $3 AND sequence_nr = $4");
        t.forget_cells =
            made("DELETE FROM nexus_projection_offsets WHERE projection = $1 AND version = $2");
        t.forget_pause =
            made("DELETE FROM nexus_projections WHERE projection = $1 AND version = $2");
        t.forget_failures =
            made("DELETE FROM nexus_projection_failures WHERE projection = $1 AND version = $2");
        t.versions = made(
            "SELECT DISTINCT projection, version FROM nexus_projection_offsets "
            "ORDER BY projection, version");
        return t;
      }()} {}

template <class... A>
result<std::int64_t> sql_projections::change(const std::string& sql, const projection_version& of,
                                             const A&... a) {
  auto done = on_.execute(sql, of.name, of.version, a...);
  if (!done) return fail(std::move(done.error()));
  return done->affected;
}

result<std::string> sql_projections::declare(const projection_version& of, std::string_view reads) {
  for (bool stored = false;; stored = true) {
    auto found = on_.query<std::string>(sql_.reads, of.name, of.version);
    if (!found) return fail(std::move(found.error()));
    if (!found->empty() && !found->front().empty()) return std::move(found->front());
    if (stored) return std::string{};  // it was forgotten meanwhile
    auto done = change(sql_.declare, of, reads);
    if (!done) return fail(std::move(done.error()));
  }
}

result<void> sql_projections::add(const projection_version& of,
                                  std::span<const projection_cell> cells) {
  // On PostgreSQL an insert that does nothing waits for a transaction that has changed the row.
  auto there = this->cells(of);
  if (!there) return fail(std::move(there.error()));
  return transactional(on_, [&](session&) -> result<void> {
    for (const auto& one : cells) {
      if (std::ranges::binary_search(*there, one.cell, {}, &projection_cell::cell)) continue;
      auto done = change(sql_.add, of, static_cast<std::int64_t>(one.cell), to_string(one.at));
      if (!done) return fail(std::move(done.error()));
    }
    return {};
  });
}

result<std::vector<projection_cell>> sql_projections::cells(const projection_version& of) {
  auto rows = on_.query<std::int64_t, std::string, std::string, std::int64_t, std::string>(
      sql_.cells, of.name, of.version);
  if (!rows) return fail(std::move(rows.error()));
  std::vector<projection_cell> all;
  all.reserve(rows->size());
  for (auto& [number, at, owner, lease, wanted_by] : *rows) {
    const auto cell = static_cast<std::uint32_t>(number);
    auto read = position::parse(at);
    if (!read) return fail(damaged(of, cell, read.error()));
    all.push_back({cell, *read, std::move(owner), lease, std::move(wanted_by)});
  }
  return all;
}

result<std::uint64_t> sql_projections::advance(const projection_version& of, std::string_view owner,
                                               const projection_move& move) {
  auto done = change(sql_.advance, of, to_string(move.to), owner, to_string(move.from),
                     static_cast<std::int64_t>(move.first), static_cast<std::int64_t>(move.last));
  if (!done) return fail(std::move(done.error()));
  return static_cast<std::uint64_t>(*done);
}

result<bool> sql_projections::give(const projection_version& of, const projection_cell& seen,
                                   std::string_view owner) {
  auto done = change(seen.owner.empty() ? sql_.take : sql_.give, of, owner,
                     static_cast<std::int64_t>(seen.cell), seen.owner, seen.lease);
  if (!done) return fail(std::move(done.error()));
  return *done > 0;
}

result<bool> sql_projections::want(const projection_version& of, std::uint32_t cell,
                                   std::string_view owner, std::string_view who) {
  auto done = change(sql_.want, of, who, static_cast<std::int64_t>(cell), owner);
  if (!done) return fail(std::move(done.error()));
  return *done > 0;
}

result<void> sql_projections::end_others(const projection_version& of, std::uint32_t first,
                                         std::uint32_t last) {
  if (sql_.end_holders.empty()) return {};
  auto done = on_.execute(sql_.end_holders, of.name, of.version, static_cast<std::int64_t>(first),
                          static_cast<std::int64_t>(last));
  if (!done) return fail(std::move(done.error()));
  return {};
}

result<void> sql_projections::restart(const projection_version& of, std::span<const position> at) {
  return transactional(on_, [&](session&) -> result<void> {
    for (std::uint32_t strand = 0; strand < at.size(); ++strand) {
      const std::int64_t first = std::int64_t{strand} * cells_per_strand;
      auto done =
          change(sql_.restart, of, to_string(at[strand]), first, first + cells_per_strand - 1);
      if (!done) return fail(std::move(done.error()));
    }
    auto failed = failures(of, std::numeric_limits<std::size_t>::max());
    if (!failed) return fail(std::move(failed.error()));
    for (const auto& one : *failed) {
      if (one.at.strand >= at.size() || one.at <= at[one.at.strand]) continue;
      auto removed = remove_failure(of, one.of, one.number);
      if (!removed) return fail(std::move(removed.error()));
    }
    return {};
  });
}

result<bool> sql_projections::paused(const projection_version& of) {
  auto rows = on_.query<std::int64_t>(sql_.paused, of.name, of.version);
  if (!rows) return fail(std::move(rows.error()));
  return !rows->empty() && rows->front() != 0;
}

result<void> sql_projections::pause(const projection_version& of, bool paused) {
  auto done = change(sql_.pause, of, std::int64_t{paused ? 1 : 0});
  if (!done) return fail(std::move(done.error()));
  return {};
}

result<void> sql_projections::add_failure(const projection_version& of,
                                          const projection_failure& failure) {
  auto done =
      change(sql_.add_failure, of, failure.of.str(), static_cast<std::int64_t>(failure.number),
             to_string(failure.at), failure.event_type, failure.error, failure.attempts);
  if (!done) return fail(std::move(done.error()));
  return {};
}

result<bool> sql_projections::update_failure(const projection_version& of,
                                             const projection_failure& failure) {
  auto done = change(sql_.update_failure, of, failure.error, failure.attempts, failure.of.str(),
                     static_cast<std::int64_t>(failure.number));
  if (!done) return fail(std::move(done.error()));
  return *done > 0;
}

result<std::vector<projection_failure>> sql_projections::failures(const projection_version& of,
                                                                  std::size_t max) {
  const auto most = static_cast<std::int64_t>(std::min<std::size_t>(max, INT64_MAX));
  auto rows = on_.query<std::string, std::int64_t, std::string, std::string, std::string,
                        std::int64_t, std::int64_t>(sql_.failures, of.name, of.version, most);
  if (!rows) return fail(std::move(rows.error()));
  std::vector<projection_failure> all;
  for (auto& [id, number, at, type, why, attempts, time] : *rows) {
    auto whose = persistence_id::parse(id);
    auto where = position::parse(at);
    if (!whose || !where) {
      return fail(errc::corrupt,
                  fmt::format("projection {} version {}: the failure of {} number {}: {}", of.name,
                              of.version, id, number,
                              whose ? where.error().message : whose.error().message));
    }
    all.push_back({*std::move(whose), static_cast<sequence_nr>(number), *where, std::move(type),
                   std::move(why), static_cast<std::uint32_t>(attempts),
                   timestamp{std::chrono::microseconds{time}}});
  }
  return all;
}

result<std::uint64_t> sql_projections::count_failures(const projection_version& of) {
  auto rows = on_.query<std::int64_t>(sql_.count_failures, of.name, of.version);
  if (!rows) return fail(std::move(rows.error()));
  return static_cast<std::uint64_t>(rows->at(0));
}

result<bool> sql_projections::remove_failure(const projection_version& of, const persistence_id& id,
                                             sequence_nr number) {
  auto done = change(sql_.remove_failure, of, id.str(), static_cast<std::int64_t>(number));
  if (!done) return fail(std::move(done.error()));
  return *done > 0;
}

result<void> sql_projections::forget(const projection_version& of) {
  return transactional(on_, [&](session&) -> result<void> {
    for (const auto* sql : {&sql_.forget_cells, &sql_.forget_pause, &sql_.forget_failures}) {
      if (auto done = change(*sql, of); !done) return fail(std::move(done.error()));
    }
    return {};
  });
}

result<std::vector<projection_version>> sql_projections::versions() {
  auto rows = on_.query<std::string, std::int64_t>(sql_.versions);
  if (!rows) return fail(std::move(rows.error()));
  std::vector<projection_version> all;
  for (auto& [name, version] : *rows) all.push_back({std::move(name), version});
  return all;
}

}}}  // namespace nexus::v0::detail
