// Heads, and the lists of ids.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "session.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

/// Ids of the strands and types of a list, merged in bytewise order: a page of each at a time.
class merged_lists {
 public:
  merged_lists(table& from, std::size_t wanted) : table_{from}, wanted_{wanted} {}

  void add(item_range range) { lists_.push_back({std::move(range), {}, 0, true}); }

  result<std::vector<persistence_id>> ids() {
    std::vector<persistence_id> found;
    if (auto done = fill_all(); !done) return fail(std::move(done.error()));
    while (found.size() < wanted_) {
      const auto least = std::ranges::min_element(lists_, {}, [](const list& one) {
        return std::pair{one.at == one.ids.size(), one.next()};
      });
      if (least == lists_.end() || least->at == least->ids.size()) break;
      found.push_back(std::move(least->ids[least->at++]));
      if (least->at < least->ids.size() || !least->more) continue;
      if (auto done = fill(*least); !done) return fail(std::move(done.error()));
    }
    return found;
  }

 private:
  struct list {
    item_range range;
    std::vector<persistence_id> ids;
    std::size_t at = 0;
    bool more = true;

    [[nodiscard]] std::string_view next() const {
      return at < ids.size() ? std::string_view{ids[at].str()} : std::string_view{};
    }
  };

  void take(list& into, page got) {
    into.ids.clear();
    into.at = 0;
    for (const auto& item : got.items) {
      auto id = persistence_id::parse(text_in(item, "s").value_or(""));
      if (id) into.ids.push_back(*std::move(id));
    }
    into.more = !got.next.is_null();
    into.range.after = std::move(got.next);
  }

  result<void> fill(list& one) {
    while (one.more && one.at == one.ids.size()) {
      auto got = table_.items(one.range);
      if (!got) return fail(std::move(got.error()));
      take(one, *std::move(got));
    }
    return {};
  }

  result<void> fill_all() {
    std::vector<request> all;
    const auto share = wanted_ / std::max<std::size_t>(lists_.size(), 1);
    for (auto& one : lists_) {
      one.range.limit = std::clamp<std::size_t>(share * 2, 16, 1'000);
      all.push_back(table_.query(one.range));
    }
    auto got = table_.ask_all(all);
    if (!got) return fail(std::move(got.error()));
    for (std::size_t i = 0; i < lists_.size(); ++i) {
      take(lists_[i], page_of(std::move((*got)[i])));
      if (auto done = fill(lists_[i]); !done) return done;
    }
    return {};
  }

  table& table_;
  const std::size_t wanted_;
  std::vector<list> lists_;
};

}  // namespace

dynamodb_session::dynamodb_session(std::shared_ptr<core> of)
    : core_{std::move(of)},
      client_{core_->server},
      table_{client_, core_->table},
      documents_{client_, *core_, held_},
      projections_{table_, *core_, held_} {}

error dynamodb_session::why_interrupted() const {
  return {errc::pool_closed,
          fmt::format("{}: the session was interrupted: the pool closed", core_->name)};
}

std::optional<error> dynamodb_session::stopped() const {
  if (!client_.interrupted()) return std::nullopt;
  return why_interrupted();
}

result<head> dynamodb_session::head_now(const persistence_id& id) {
  auto item = table_.item(head_of(id));
  if (!item) return fail(std::move(item.error()));
  return head::of(*item);
}

result<sequence_nr> dynamodb_session::highest(const persistence_id& id) {
  auto found = head_now(id);
  if (!found) return fail(std::move(found.error()));
  return found->highest;
}

result<std::optional<stored_alarm>> dynamodb_session::alarm_of(const persistence_id& id) {
  auto found = head_now(id);
  if (!found) return fail(std::move(found.error()));
  return found->alarm(id);
}

assumption dynamodb_session::assumed(const persistence_id& id) const {
  const auto found = assumed_.find(id.str());
  return found == assumed_.end() ? assumption{} : found->second;
}

void dynamodb_session::remember(const persistence_id& id, const assumption& seen) {
  constexpr std::size_t most = 10'000;
  if (seen.generation == 0 && !seen.due && !seen.tombstone) {  // as of a new id
    assumed_.erase(id.str());
    return;
  }
  if (assumed_.size() >= most) assumed_.clear();
  assumed_.insert_or_assign(id.str(), seen);
}

result<bool> dynamodb_session::fence(const persistence_id& id, const char* number,
                                     const head& seen) {
  const auto expected = std::string_view{number} == "h" ? seen.highest : seen.version;
  head_update bump{number, expected, assumption::of(seen)};
  bump.set("g", number_value(seen.generation + 1));
  // An alarm that was changed since is another head, too.
  if (seen.due) {
    bump.also("u = :due");
    bump.value(":due", number_value(seen.due->time_since_epoch().count()));
  } else {
    bump.also("attribute_not_exists(u)");
  }
  auto done = client_.call("UpdateItem", bump.body(core_->table, id));
  if (done) {
    auto now = assumption::of(seen);
    ++now.generation;
    remember(id, now);
    return true;
  }
  if (done.error().what == fault::kind::condition) return false;
  return fail(table_.told(done.error()));
}

result<void> dynamodb_session::list_types(listing which,
                                          std::span<const persistence_id* const> ids) {
  constexpr std::size_t most = 10'000;
  if (listed_.size() > most) listed_.clear();
  std::vector<request> missing;
  std::vector<std::string> names;
  for (const auto* id : ids) {
    item_key key{types_of(which, strand(*id)), std::string{id->type()}};
    auto name = key.p + " " + key.s;
    if (listed_.contains(name) || std::ranges::find(names, name) != names.end()) continue;
    missing.push_back(table_.put(key_of(key)));
    names.push_back(std::move(name));
  }
  if (missing.empty()) return {};
  auto done = table_.ask_all(missing);
  if (!done) return fail(std::move(done.error()));
  for (auto& one : names) listed_.insert(std::move(one));
  return {};
}

result<std::vector<persistence_id>> dynamodb_session::list(listing which, const id_filter& filter,
                                                           std::size_t max) {
  if (auto why = stopped()) return fail(*std::move(why));
  auto range = id_range::of(filter);
  if (!range || max == 0) return std::vector<persistence_id>{};
  // Longer than any place in a table may be, and than any id: a part of it does.
  constexpr std::size_t bytes_max = 1'000;
  while (range->from.size() > bytes_max ||
         (range->from.size() == bytes_max && !range->from.empty() &&
          (static_cast<unsigned char>(range->from.back()) & 0xC0U) == 0x80U)) {
    range->from.pop_back();
  }
  std::vector<std::string> types;
  if (!filter.type.empty()) {
    types.emplace_back(filter.type);
  } else {
    auto all = table_.all_items({.p = types_of(which, 0)});
    if (!all) return fail(std::move(all.error()));
    for (const auto& one : *all) types.push_back(text_in(one, "s").value_or(""));
  }
  merged_lists lists{table_, max};
  for (const auto& type : types) {
    for (std::uint32_t one = 0; one < core_->strands; ++one) {
      lists.add({.p = list_of(which, one, type), .from = range->from, .to = range->before});
    }
  }
  auto found = lists.ids();
  // `before` is past the ids, but BETWEEN includes it.
  if (found && !range->before.empty()) {
    std::erase_if(*found, [&range](const auto& id) { return id.str() >= range->before; });
  }
  return found;
}

}}}  // namespace nexus::v0::dynamodb
