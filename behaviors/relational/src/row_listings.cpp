// Alarms of rows, and the ids of rows.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "nexus/detail/row_key.hpp"
#include "row_session.hpp"

namespace nexus { inline namespace v0 { namespace detail {

result<std::vector<stored_alarm>> row_session::due(std::uint32_t strand, const due_filter& which,
                                                   std::size_t max) {
  std::vector<stored_alarm> made;
  if (strand != 0) return made;
  for (const auto type : which.types) {
    // In the order of due times and whole ids, past `after`.
    auto from = INT64_MIN;
    std::string_view past;
    if (which.after != nullptr) {
      const auto& last = which.after->id;
      const bool comes_later = type > last.type();
      from = micros(which.after->due) + (type == last.type() || comes_later ? 0 : 1);
      if (type == last.type()) past = last.id();
    }
    auto found = inner_->query<std::string, std::int64_t, std::string>(
        sql_.due, type, micros(which.until), from, past, static_cast<std::int64_t>(max));
    if (!found) return fail(std::move(found.error()));
    for (const auto& [id, due, writer] : *found) {
      auto of = persistence_id::make(type, id);
      auto by = ulid::parse(writer);
      if (!of || !by) {
        const error why{errc::corrupt, fmt::format("the alarm of {}|{} is no alarm", type, id)};
        if (which.on_corrupt == nullptr) return fail(why);
        (*which.on_corrupt)(why);
        continue;
      }
      made.push_back({*std::move(of), at_micros(due), *by});
    }
  }
  const auto order = [](const stored_alarm& a, const stored_alarm& b) {
    return std::pair{a.due, a.id.str()} < std::pair{b.due, b.id.str()};
  };
  std::ranges::sort(made, order);
  if (made.size() > max) made.erase(made.begin() + static_cast<std::ptrdiff_t>(max), made.end());
  return made;
}

result<std::optional<stored_alarm>> row_session::alarm_of(const persistence_id& id) {
  auto found = inner_->query<std::int64_t, std::string>(sql_.alarm_of, id.type(), id.id());
  if (!found) return fail(std::move(found.error()));
  if (found->empty()) return std::optional<stored_alarm>{};
  const auto& [due, writer] = found->front();
  auto by = ulid::parse(writer);
  if (!by) return fail(errc::corrupt, id.str() + ": the alarm has no writer");
  return std::optional{stored_alarm{id, at_micros(due), *by}};
}

result<std::vector<persistence_id>> row_session::state_ids(const id_filter& which,
                                                           std::size_t max) {
  const auto known = tables_of(which.type);
  if (!known) return fail(known.error());
  const auto& root = *(*known)->root;
  std::vector<sql_value> after;
  if (!which.after.empty()) {
    auto key = key_of_id(root, which.after);
    if (!key) return fail(std::move(key.error()));
    after = *std::move(key);
  }
  auto found = read_keys(*inner_, root, after, max);
  if (!found) return fail(std::move(found.error()));
  std::vector<persistence_id> made;
  for (const auto& key : *found) {
    const auto text = id_of_key(key);
    if (!std::string_view{text}.starts_with(which.prefix)) continue;
    if (auto id = persistence_id::make(which.type, text)) made.push_back(*std::move(id));
  }
  return made;
}

result<std::vector<due_type>> row_session::due_types(std::uint32_t strand, timestamp until,
                                                     std::uint64_t count_max) {
  std::vector<due_type> made;
  if (strand != 0) return made;
  auto found =
      inner_->query<std::string, std::int64_t, std::int64_t>(sql_.due_types, micros(until));
  if (!found) return fail(std::move(found.error()));
  for (const auto& [type, count, first] : *found) {
    made.push_back(
        {type, std::min(static_cast<std::uint64_t>(count), count_max), at_micros(first)});
  }
  return made;
}

}}}  // namespace nexus::v0::detail
