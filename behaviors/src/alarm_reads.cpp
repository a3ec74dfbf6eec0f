#include "alarm_reads.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <utility>

#include "nexus/codec.hpp"
#include "nexus/document_storage.hpp"
#include "nexus/transaction.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

constexpr std::string_view beats_collection = "nexus.heartbeats";
constexpr std::string_view sweeps_collection = "nexus.alarm_sweeps";

/// As stored.
struct progress_document {
  std::uint32_t version = 1;
  std::string after;
  bool done = true;
  std::string writer;
  MSGPACK_DEFINE_MAP(version, after, done, writer)
};

result<sweep_progress> progress_of(std::string_view type, const std::string& data) {
  progress_document read;
  auto decoded = decode(data, read);
  auto writer = ulid::parse(read.writer);
  if (!decoded || !writer) {
    return fail(
        errc::corrupt,
        fmt::format("the document {} of {}: {}; remove it to sweep again", type, sweeps_collection,
                    !decoded ? decoded.error().message : writer.error().message));
  }
  return sweep_progress{read.version, std::move(read.after), read.done, *writer};
}

result<void> store_sweep(journal_session& to, std::string_view type, const sweep_progress& p) {
  const auto data = encode(progress_document{p.version, p.after, p.done, p.writer.to_string()});
  return to.documents()->put(sweeps_collection, {type, "nexus.alarm_sweep", 1, "msgpack", data});
}

}  // namespace

// -- alarms -----------------------------------------------------------------------------------

result<alarm_page> read_alarms(journal_session& from, std::string_view type,
                               const alarm_read& which, std::size_t max, const ulid& own) {
  alarm_page made;
  made.strands = from.strands();
  const std::array types{type};
  const auto* after = which.after ? &*which.after : nullptr;
  const std::function<void(const error&)> left_out = [&](const error& e) {
    made.corrupt.push_back(e);
  };
  auto due = from.due(which.strand, {types, which.until, after, &left_out}, max);
  if (!due) return fail(std::move(due.error()));
  made.due = *std::move(due);
  // Then the place of the next page is not known.
  if (made.corrupt.size() >= max) return fail(std::move(made.corrupt.front()));
  if (made.due.size() + made.corrupt.size() >= max) return made;
  const stored_alarm end{last_id_of(type), which.until, {}};
  bool is_left_out = false;  // which is told when it is due
  const std::function<void(const error&)> passed = [&](const error&) { is_left_out = true; };
  const due_filter later{types, timestamp::max(), &end, &passed};
  auto next = from.due(which.strand, later, 1);
  if (next && (is_left_out || (!next->empty() && next->front().writer != own))) {
    next = from.due(which.strand, later, max);
  }
  if (!next) return fail(std::move(next.error()));
  made.next = *std::move(next);
  return made;
}

result<std::vector<stored_alarm>> read_alarms_of(journal_session& from,
                                                 std::span<const std::string> ids) {
  std::vector<stored_alarm> made;
  for (const auto& text : ids) {
    auto id = persistence_id::parse(text);
    if (!id) return fail(std::move(id.error()));
    auto found = from.alarm_of(*id);
    if (!found && found.error().code == errc::corrupt) continue;  // a look at everything tells
    if (!found) return fail(std::move(found.error()));
    if (*found) made.push_back(**std::move(found));
  }
  return made;
}

result<std::vector<due_type>> read_due_types(journal_session& from, timestamp until,
                                             std::uint64_t count_max) {
  std::map<std::string, due_type> sums;
  for (std::uint32_t strand = 0; strand < from.strands(); ++strand) {
    auto found = from.due_types(strand, until, count_max);
    if (!found) return found;
    for (auto& one : *found) {
      auto [at, is_new] = sums.try_emplace(one.type, one);
      if (is_new) continue;
      at->second.count = std::min(count_max, saturated_sum(at->second.count, one.count));
      at->second.first = std::min(at->second.first, one.first);
    }
  }
  std::vector<due_type> made;
  for (auto& [type, one] : sums) made.push_back(std::move(one));
  return made;
}

// -- heartbeats -------------------------------------------------------------------------------

result<void> own_heartbeat::beat(journal_session& to) {
  std::lock_guard guard{lock_};
  if (ended_) return {};
  return put(to, std::to_string(++count_));
}

// A beat that is on its way stores nothing after this.
result<void> own_heartbeat::end(journal_session& to) {
  std::lock_guard guard{lock_};
  ended_ = true;
  return put(to, heartbeats::ended);
}

result<void> own_heartbeat::put(journal_session& to, std::string_view value) {
  auto* storage = to.documents();
  if (storage == nullptr) return {};
  return storage->put(beats_collection, {writer_.to_string(), "nexus.heartbeat", 1, "text", value});
}

result<std::optional<std::vector<heartbeat>>> read_heartbeats(journal_session& from) {
  auto* storage = from.documents();
  if (storage == nullptr) return std::nullopt;
  std::vector<heartbeat> made;
  auto read = storage->all(beats_collection, consistency::strong, [&](const document_view& d) {
    if (auto writer = ulid::parse(d.id)) made.push_back({*writer, std::string{d.data}});
    return true;
  });
  if (!read) return fail(std::move(read.error()));
  return made;
}

result<void> remove_heartbeats(journal_session& from, std::span<const ulid> writers) {
  auto* storage = from.documents();
  if (storage == nullptr || writers.empty()) return {};
  std::vector<std::string> ids;
  for (const auto& one : writers) ids.push_back(one.to_string());
  auto removed = storage->remove(beats_collection, ids);
  if (!removed) return fail(std::move(removed.error()));
  return {};
}

// -- sweeps -----------------------------------------------------------------------------------

result<sweep_progress> read_sweep(journal_session& from, std::string_view type) {
  auto* storage = from.documents();
  if (storage == nullptr) return sweep_progress{};
  auto found = storage->get(sweeps_collection, type);
  if (!found) return fail(std::move(found.error()));
  if (!*found) return sweep_progress{.version = 0};
  return progress_of(type, (*found)->data);
}

result<std::optional<sweep_progress>> save_sweep(journal_session& to, std::string_view type,
                                                 const sweep_progress& expected,
                                                 const sweep_progress& next) {
  if (to.documents() == nullptr) return std::nullopt;
  const auto save = [&](session&) -> result<std::optional<sweep_progress>> {
    auto found = read_sweep(to, type);
    if (!found) return fail(std::move(found.error()));
    if (*found != expected) return *std::move(found);
    if (auto put = store_sweep(to, type, next); !put) return fail(std::move(put.error()));
    return std::nullopt;
  };
  if (!to.has_sql()) return save(to);
  return transactional(static_cast<session&>(to), save, {.level = isolation::serializable});
}

}}}
