#include "raw_postgres.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <msgpack.hpp>
#include <stdexcept>

#include "counter.hpp"

namespace bench {
namespace {

// Element types from PostgreSQL's catalogue.
constexpr Oid bytea = 17, int8 = 20, int4 = 23, text = 25, timestamptz = 1184;

constexpr const char* append_events = R"sql(
INSERT INTO nexus_event_journal (persistence_id, sequence_nr, transaction_id, position, event_type,
    schema_version, codec, event_data, metadata, writer_id, timestamp, slice)
SELECT unnest($1::text[]), unnest($2::int8[]), pg_current_xact_id(), unnest($3::int8[]),
    unnest($4::text[]), unnest($5::int8[]), unnest($6::text[]), unnest($7::bytea[]),
    unnest($8::bytea[]), unnest($9::text[]), unnest($10::timestamptz[]), unnest($11::int4[]))sql";

// The guard: each id's number before must be its last one, stored or erased.
constexpr const char* append_check = R"sql(
SELECT pg_current_xact_id(), 1 / (count(*) = 0)::int4
FROM unnest($1::text[], $2::int8[]) AS r (id, expected)
WHERE coalesce(
    (SELECT e.sequence_nr FROM nexus_erased e
      WHERE e.persistence_id = r.id AND e.sequence_nr >= r.expected),
    (SELECT j.sequence_nr FROM nexus_event_journal j
      WHERE j.persistence_id = r.id AND j.sequence_nr = r.expected),
    CASE r.expected WHEN 0 THEN 0 ELSE -1 END) <> r.expected)sql";

template <class Number>
void put(std::string& out, Number n) {
  for (auto shift = 8 * sizeof n; shift > 0; shift -= 8) {
    out += static_cast<char>(static_cast<std::make_unsigned_t<Number>>(n) >> (shift - 8));
  }
}

}  // namespace

nexus::test::cluster::options durable_cluster() {
  return {.fsync = true,
          .parent = "/var/tmp",
          .settings = {"max_wal_size = 8GB", "checkpoint_timeout = 1h"}};
}

void pg_array::clear() {
  size_ = 0;
  bytes_.clear();
  put<std::uint32_t>(bytes_, 1);  // dimensions
  put<std::uint32_t>(bytes_, 0);  // no NULL
  put<std::uint32_t>(bytes_, element_);
  put<std::uint32_t>(bytes_, 0);  // the number of elements: set by bytes()
  put<std::uint32_t>(bytes_, 1);  // lower bound
}

void pg_array::add(std::string_view bytes) {
  put(bytes_, static_cast<std::uint32_t>(bytes.size()));
  bytes_.append(bytes);
  ++size_;
}

void pg_array::add(std::int64_t number) {
  put<std::uint32_t>(bytes_, sizeof number);
  put(bytes_, number);
  ++size_;
}

void pg_array::add(std::int32_t number) {
  put<std::uint32_t>(bytes_, sizeof number);
  put(bytes_, number);
  ++size_;
}

const std::string& pg_array::bytes() {
  std::string size;
  put(size, size_);
  return bytes_.replace(12, size.size(), size);
}

raw_postgres::raw_postgres(const std::string& uri)
    : to_{PQconnectdb(uri.c_str())},
      ids_{text},
      numbers_{int8},
      positions_{int8},
      types_{text},
      versions_{int8},
      codecs_{text},
      data_{bytea},
      metadata_{bytea},
      writers_{text},
      times_{timestamptz},
      slices_{int4},
      guarded_{text},
      expected_{int8} {
  check(PQstatus(to_.get()) == CONNECTION_OK);
  const result set{PQexec(to_.get(), "SET plan_cache_mode = force_generic_plan; SET jit = off")};
  check(PQresultStatus(set.get()) == PGRES_COMMAND_OK);
  prepare("append_events", append_events);
  prepare("append_check", append_check);
  check(PQenterPipelineMode(to_.get()) == 1);
}

void raw_postgres::check(bool fine) const {
  if (!fine) throw std::runtime_error{PQerrorMessage(to_.get())};
}

void raw_postgres::prepare(const char* name, const char* sql) {
  const result made{PQprepare(to_.get(), name, sql, 0, nullptr)};
  check(PQresultStatus(made.get()) == PGRES_COMMAND_OK);
}

void raw_postgres::send(const char* name, const std::vector<pg_array*>& parameters) {
  std::vector<const char*> values;
  std::vector<int> sizes;
  const std::vector<int> binary(parameters.size(), 1);
  for (auto* one : parameters) {
    values.push_back(one->bytes().data());
    sizes.push_back(static_cast<int>(one->bytes().size()));
  }
  check(PQsendQueryPrepared(to_.get(), name, static_cast<int>(values.size()), values.data(),
                            sizes.data(), binary.data(), 1) == 1);
}

void raw_postgres::insert(const std::vector<std::string>& ids, std::uint64_t events,
                          const batching& sizes) {
  if (entities_.empty()) {
    for (const auto& id : ids) {
      const auto made = nexus::persistence_id::make(counter::entity_type, id).value();
      entities_.push_back({made.str(), static_cast<std::int32_t>(made.slice()), 0});
    }
  }
  auto append = [&](std::uint64_t count) {
    queued_.emplace_back(next_++ % entities_.size(), count);
  };
  in_batches(
      events, sizes, [&] { queued_.clear(); }, append, [&] { commit(); });
}

void raw_postgres::encode(entity& to, std::uint64_t count) {
  guarded_.add(to.persistence_id);
  expected_.add(to.highest);
  for (std::uint64_t i = 0; i < count; ++i) {
    event_.encode(command_ids_.next());
    ids_.add(to.persistence_id);
    numbers_.add(++to.highest);
    positions_.add(++position_);
    types_.add(counter::added::type_name);
    versions_.add(std::int64_t{1});
    codecs_.add("msgpack");
    data_.add(event_.data);
    metadata_.add(event_.metadata);
    writers_.add(writer_);
    // PostgreSQL counts microseconds from 2000 on.
    times_.add(std::int64_t{time_.now().time_since_epoch().count() - 946'684'800'000'000});
    slices_.add(to.slice);
  }
}

void raw_postgres::commit() {
  const std::vector<pg_array*> columns{&ids_,      &numbers_, &positions_, &types_,
                                       &versions_, &codecs_,  &data_,      &metadata_,
                                       &writers_,  &times_,   &slices_};
  const std::vector<pg_array*> guard{&guarded_, &expected_};
  for (auto* one : columns) one->clear();
  for (auto* one : guard) one->clear();
  position_ = 0;
  std::sort(queued_.begin(), queued_.end());  // neighbours in the index
  for (const auto& [entity, count] : queued_) encode(entities_[entity], count);

  send("append_events", columns);
  send("append_check", guard);
  check(PQpipelineSync(to_.get()) == 1);
  for (bool synced = false; !synced;) {
    const result got{PQgetResult(to_.get())};
    const auto status = PQresultStatus(got.get());
    synced = status == PGRES_PIPELINE_SYNC;
    check(!got || synced || status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
  }
}

postgres_reader::postgres_reader(const std::string& uri) : to_{PQconnectdb(uri.c_str())} {
  check(PQstatus(to_.get()) == CONNECTION_OK);
  run("SET plan_cache_mode = force_generic_plan; SET jit = off");
}

void postgres_reader::check(bool fine) const {
  if (!fine) throw std::runtime_error{PQerrorMessage(to_.get())};
}

void postgres_reader::run(const std::string& sql) {
  const result done{PQexec(to_.get(), sql.c_str())};
  check(PQresultStatus(done.get()) == PGRES_COMMAND_OK);
}

std::int64_t postgres_reader::fold_where(const char* condition, const std::string& parameter) {
  if (condition != condition_) {
    const auto sql = fmt::format(
        "SELECT persistence_id, sequence_nr, transaction_id, position, event_type, event_data, "
        "metadata, timestamp, writer_id, codec FROM nexus_event_journal WHERE {} "
        "ORDER BY transaction_id, position",
        condition);
    const result made{PQprepare(to_.get(), "", sql.c_str(), 0, nullptr)};
    check(PQresultStatus(made.get()) == PGRES_COMMAND_OK);
    condition_ = condition;
  }
  const char* values[] = {parameter.c_str()};
  const result rows{PQexecPrepared(to_.get(), "", 1, values, nullptr, nullptr, 1)};
  check(PQresultStatus(rows.get()) == PGRES_TUPLES_OK);
  std::int64_t sum = 0;
  msgpack::zone zone;
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    const std::string_view data{PQgetvalue(rows.get(), row, 5),
                                static_cast<std::size_t>(PQgetlength(rows.get(), row, 5))};
    zone.clear();
    counter::added event;
    msgpack::unpack(zone, data.data(), data.size()).convert(event);
    sum += event.n;
  }
  return sum;
}

}  // namespace bench
