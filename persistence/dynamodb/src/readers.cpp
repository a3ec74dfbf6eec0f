// Registered readers: an item per reader and strand.
#include "readers.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

/// Of the strand's partition: the mark at "!" and the readers at "r#…".
constexpr auto last_reader_place = "r$";

}  // namespace

result<dynamodb_session::strand_state> dynamodb_session::state_of(std::uint32_t of) {
  auto items = table_.all_items(
      {.p = strand_part(of), .from = std::string{head_place}, .to = last_reader_place});
  if (!items) return fail(std::move(items.error()));
  return state_of(of, *items);
}

result<dynamodb_session::strand_state> dynamodb_session::state_of(
    std::uint32_t of, std::span<const json> items) const {
  strand_state made;
  made.erased = at(of, 0, 0);
  for (const auto& one : items) {
    const auto place = text_in(one, "s").value_or("");
    const auto n = number_in(one, "n").value_or(0);
    const auto i = number_in(one, "i").value_or(0);
    if (place == head_place) {
      made.erased = at(of, n, i);
      made.version = number_in(one, "v").value_or(0);
      continue;
    }
    const auto time = signed_in(one, "t");
    if (!place.starts_with("r#") || !time) {
      return fail(errc::corrupt, fmt::format("{}: the reader \"{}\" of strand {} is corrupt",
                                             core_->name, place, of));
    }
    made.readers.push_back({place.substr(2), n == 0 ? position::start_of(of) : at(of, n, i),
                            timestamp{std::chrono::microseconds{*time}}});
  }
  return made;
}

result<void> dynamodb_session::save_reader(const stored_reader& reader) {
  if (auto why = fault_of(reader, core_->limits())) return fail(*std::move(why));
  if (auto why = stopped()) return fail(*std::move(why));
  if (auto why = foreign(reader.at, core_->strands, core_->epoch, core_->name)) {
    return fail(*std::move(why));
  }
  const auto of = reader.at.strand;
  auto item = key_of(reader_of(of, reader.name));
  item["n"] = number_value(reader.at.major);
  item["i"] = number_value(reader.at.minor);
  item["t"] = number_value(reader.time.time_since_epoch().count());
  // A registered reader that goes on frees events. Otherwise erasures that have not seen it must look
  // again: they compare the version of the mark.
  auto forward = table_.put(item);
  forward.body["ConditionExpression"] = "attribute_exists(p) AND (n < :n OR (n = :n AND i <= :i))";
  forward.body["ExpressionAttributeValues"][":n"] = item["n"];
  forward.body["ExpressionAttributeValues"][":i"] = item["i"];
  auto done = client_.call(forward.operation, forward.body);
  if (done) return {};
  if (done.error().what != fault::kind::condition) return fail(table_.told(done.error()));
  json bump;
  bump["UpdateExpression"] = "ADD v :one";
  bump["ExpressionAttributeValues"][":one"] = number_value(1);
  json actions = json::array();
  actions.push_back(put_action(core_->table, std::move(item)));
  actions.push_back(update_action(core_->table, mark_of(of), std::move(bump)));
  return table_.write(transaction(std::move(actions)));
}

result<std::vector<stored_reader>> dynamodb_session::readers() {
  if (auto why = stopped()) return fail(*std::move(why));
  std::vector<request> asked;
  for (std::uint32_t one = 0; one < core_->strands; ++one) {
    asked.push_back(table_.query(
        {.p = strand_part(one), .from = std::string{head_place}, .to = last_reader_place}));
  }
  auto got = table_.ask_all(asked);
  if (!got) return fail(std::move(got.error()));
  std::vector<stored_reader> all;
  for (std::uint32_t one = 0; one < core_->strands; ++one) {
    const auto some = page_of(std::move((*got)[one]));
    auto state = some.next.is_null() ? state_of(one, some.items) : state_of(one);
    if (!state) return fail(std::move(state.error()));
    std::ranges::move(state->readers, std::back_inserter(all));
  }
  std::ranges::sort(all, [](const auto& a, const auto& b) {
    return std::tie(a.name, a.at.strand) < std::tie(b.name, b.at.strand);
  });
  return all;
}

result<void> dynamodb_session::forget_reader(std::string_view name) {
  if (auto why = stopped()) return fail(*std::move(why));
  if (fault_of_reader(name)) return {};
  std::vector<item_key> keys;
  for (std::uint32_t one = 0; one < core_->strands; ++one) keys.push_back(reader_of(one, name));
  return table_.remove_all(keys);
}

}}}  // namespace nexus::v0::dynamodb
