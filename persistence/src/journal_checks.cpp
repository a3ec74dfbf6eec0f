#include "nexus/journal_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text.hpp"

namespace nexus { inline namespace v0 {
namespace {

template <class Request>
void take(std::span<const Request> requests, const journal_limits& max,
          std::vector<append_outcome>& outcomes, std::vector<std::size_t>& into) {
  into.clear();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (auto why = fault_of(requests[i], max)) {
      outcomes[i] = rejected{*std::move(why)};
    } else {
      into.push_back(i);
    }
  }
  std::ranges::sort(into, [&](auto a, auto b) { return requests[a].id < requests[b].id; });
}

}  // namespace

void take_faultless(std::span<const append_request> requests, const journal_limits& max,
                    std::vector<append_outcome>& outcomes, std::vector<std::size_t>& into) {
  take(requests, max, outcomes, into);
}

void take_faultless(std::span<const upsert_request> requests, const journal_limits& max,
                    std::vector<append_outcome>& outcomes, std::vector<std::size_t>& into) {
  take(requests, max, outcomes, into);
}

std::optional<append_outcome> refusal(const append_request& request, sequence_nr highest) {
  if (highest != request.expected) return conflict{highest};
  if (auto why = past_the_last_number(request)) return rejected{*std::move(why)};
  return std::nullopt;
}

std::optional<error> past_the_last_number(const append_request& request) {
  const auto count = request.events.size();
  if (count <= sequence_nr_max && request.expected <= sequence_nr_max - count) return std::nullopt;
  return error{errc::invalid_argument,
               fmt::format("append to {} after {}: past the highest possible number",
                           request.id.str(), request.expected)};
}

std::optional<error> fault_of(const snapshot_request& request, const journal_limits& max) {
  const auto& snapshot = request.snapshot;
  auto refuse = [&](errc code, std::string_view why) {
    return error{code,
                 fmt::format("snapshot {} of {}: {}", snapshot.number, request.id.str(), why)};
  };
  if (snapshot.number > sequence_nr_max) {
    return refuse(errc::invalid_argument, "the number is past the highest possible one");
  }
  if (snapshot.data.size() > max.payload_bytes_max) {
    return refuse(errc::too_large, fmt::format("{} bytes, at most {} are allowed",
                                               snapshot.data.size(), max.payload_bytes_max));
  }
  if (!max.take(snapshot.time)) {
    return refuse(errc::invalid_argument,
                  "its time is out of the range that the journal can store");
  }
  return std::nullopt;
}

std::optional<error> foreign(const position& at, std::uint32_t strands, std::uint64_t epoch,
                             std::string_view journal) {
  if (at.strand >= strands) {
    return error{errc::foreign_position,
                 fmt::format("{}: the position \"{}\" is of strand {}, but the journal has {}",
                             journal, to_string(at), at.strand, strands)};
  }
  const bool is_start = at == position::start_of(at.strand);
  if (is_start || (at.epoch == epoch && !at.is_start())) return std::nullopt;
  return error{errc::foreign_position,
               fmt::format("{}: the position \"{}\" is of another journal, or from before its "
                           "events were renumbered",
                           journal, to_string(at))};
}

error past_the_end(const position& at, std::string_view journal) {
  return {
      errc::foreign_position,
      fmt::format("{}: the position \"{}\" is past the last event: it is of another copy of the "
                  "journal, as after a restored backup",
                  journal, to_string(at))};
}

error erased_past(const position& after, std::string_view journal) {
  return {
      errc::history_erased,
      fmt::format("{}: events past the position \"{}\" were erased; read from_kept to skip them",
                  journal, to_string(after))};
}

error held_back_by(std::string_view reader, const persistence_id& id, std::string_view journal) {
  return {errc::held_back,
          fmt::format("{}: events of {} are kept for the reader \"{}\", which has not read them; "
                      "let it read on, forget it, or erase by force",
                      journal, id.str(), reader)};
}

std::optional<error> fault_of_reader(std::string_view name) {
  auto refuse = [&](std::string_view why) {
    return error{errc::invalid_argument,
                 fmt::format("the name of a reader, \"{}\", {}", shown(name), why)};
  };
  if (name.empty()) return refuse("is empty");
  if (name.size() > stored_reader::name_bytes_max) {
    return refuse(fmt::format("has {} bytes, at most {} are allowed", name.size(),
                              stored_reader::name_bytes_max));
  }
  if (name.find('\0') != std::string_view::npos) return refuse("contains a NUL byte");
  if (!is_utf8(name)) return refuse("is not valid UTF-8");
  return std::nullopt;
}

std::optional<error> fault_of(const stored_reader& reader, const journal_limits& max) {
  if (auto why = fault_of_reader(reader.name)) return why;
  if (max.take(reader.time)) return std::nullopt;
  return error{
      errc::invalid_argument,
      fmt::format("the progress of the reader \"{}\": its time is out of the range that the "
                  "journal can store",
                  reader.name)};
}

bool may_have_ids(std::string_view type) {
  using namespace std::string_view_literals;
  return type.find_first_of("|\0"sv) == std::string_view::npos && is_utf8(type);
}

std::optional<id_range> id_range::of(const id_filter& which) {
  if (!may_have_ids(which.type) || !is_utf8(which.prefix)) return std::nullopt;
  if (which.prefix.find('\0') != std::string_view::npos) return std::nullopt;
  const auto type = which.type.empty() ? std::string{} : fmt::format("{}|", which.type);
  id_range made{.from = fmt::format("{}{}", type, which.prefix), .before = {}};
  made.before = past_all_with(made.from);
  if (const auto after = fmt::format("{}{}", type, which.after);
      after >= made.from && !after.empty()) {
    made.from = first_past(after);
    if (made.from.empty()) return std::nullopt;
  }
  return made;
}

bool carried(const append_request& request, const record_view& found) {
  if (found.number <= request.expected) return false;
  const auto at = found.number - request.expected - 1;
  if (at >= request.events.size()) return false;
  const auto& sent = request.events[at];
  const auto& event = found.event;
  return found.writer == request.writer && event.type == sent.type &&
         event.schema_version == sent.schema_version && event.codec == sent.codec &&
         event.data == sent.data && event.metadata == sent.metadata && event.time == sent.time &&
         std::ranges::equal(event.tags, sorted_tags(sent.tags));
}

bool carried(const upsert_request& request, const stored_state& found) {
  const auto& value = request.value;
  if (found.writer != request.writer || found.time != request.time) return false;
  if (found.erased || !value) return found.erased && !value;
  return found.type == value->type && found.schema_version == value->schema_version &&
         found.codec == value->codec && found.data == value->data;
}

changed_state changed_as(const stored_state& found, const position& at) {
  changed_state made{at, found.version, std::nullopt, found.writer, found.time};
  if (!found.erased) made.value = {found.type, found.schema_version, found.codec, found.data};
  return made;
}

error no_changes(std::string_view journal) {
  return {errc::invalid_argument,
          fmt::format(
              "{}: changes of durable states are not numbered; open it with indexes=states, and "
              "create the index of existing PostgreSQL tables with nexus-schema",
              journal)};
}

settlement settled_as(const upsert_request& request, const stored_state* found) {
  if (found == nullptr || found->version < request.next) return settlement::not_stored;
  if (found->version > request.next) return settlement::superseded;
  return carried(request, *found) ? settlement::stored : settlement::not_stored;
}

settlement settled_as(const due_change& sent, const ulid& writer,
                      const std::optional<stored_alarm>& found) {
  const bool as_sent = sent.what == due_change::kind::set
                           ? found && found->due == sent.at && found->writer == writer
                           : !found;
  return as_sent ? settlement::stored : settlement::not_stored;
}

std::vector<std::string_view> types_of(const due_filter& which) {
  std::vector<std::string_view> types;
  for (auto type : which.types) {
    if (!type.empty() && may_have_ids(type)) types.push_back(type);
  }
  std::ranges::sort(types);
  types.erase(std::unique(types.begin(), types.end()), types.end());
  return types;
}

error corrupt_alarm(std::string_view journal, std::string_view id, std::string_view column) {
  return {errc::corrupt,
          fmt::format("{}: the alarm of {} is corrupt: bad {}", journal, shown(id), column)};
}

error corrupt_row(std::string_view journal, stored_kind kind, const persistence_id& id,
                  std::int64_t number, std::string_view column) {
  constexpr std::array<std::string_view, 3> names{"event", "snapshot", "state"};
  return {errc::corrupt,
          fmt::format("{}: {} {} of {} is corrupt: bad {}", journal,
                      names[static_cast<std::size_t>(kind)], number, id.str(), column)};
}

}}  // namespace nexus::v0
