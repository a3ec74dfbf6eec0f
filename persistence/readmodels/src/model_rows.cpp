#include "nexus/detail/model_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "nexus/detail/logger.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

constexpr std::size_t rows_at_once = 256;  // of those that are asked for by id

std::optional<error> fault_of_class(const model_class& model,
                                    std::span<const std::string> indexed) {
  const auto field = [&](std::string_view name) {
    return std::ranges::find(model.fields, name, &field_description::name);
  };
  if (field("id") == model.fields.end()) {
    return error{errc::invalid_argument,
                 fmt::format("the MSGPACK_DEFINE_MAP of {} does not name id", model.full_name)};
  }
  for (const auto& one : indexed) {
    const auto found = field(one);
    if (found != model.fields.end() && found->kind != field_kind::other && one != "id") continue;
    return error{errc::invalid_argument,
                 fmt::format("field \"{}\" of {} cannot be indexed: {}", one, model.full_name,
                             found == model.fields.end()        ? "it is unknown"
                             : found->kind == field_kind::other ? "it cannot be compared"
                                                                : "rows are found by it anyway")};
  }
  return fault_of_indexes(indexed);
}

std::optional<std::vector<std::string>> ids_of(const field_value& value) {
  if (const auto* one = std::get_if<std::string>(&value.get())) return {{*one}};
  if (const auto* list = std::get_if<field_value::ids>(&value.get())) {
    const auto distinct = without_repeats(*list);
    return {{distinct.begin(), distinct.end()}};
  }
  return std::nullopt;
}

}  // namespace

model_rows::model_rows(document_source from, std::string name, model_class of,
                       std::vector<std::string> indexed, std::shared_ptr<snapshot_cache> seen)
    : from_{std::move(from)},
      name_{std::move(name)},
      model_{std::move(of)},
      indexed_{std::move(indexed)},
      cache_{std::move(seen)},
      fault_{fault_of_collection(name_)} {
  if (cache_) seen_.emplace(*cache_, name_, model_.full_name);
  if (!fault_) fault_ = fault_of_class(model_, indexed_);
}

result<void> model_rows::with(const std::function<result<void>(document_storage&)>& use) const {
  if (fault_) return fail(*fault_);
  return from_.with("a repository", use);
}

error model_rows::of_row(const document_storage& in, const document_view& row,
                         const error& why) const {
  return {why.code,
          fmt::format("{}: \"{}\" with id \"{}\": {}", in.table(), name_, row.id, why.message)};
}

result<void> model_rows::save(const document_write& row) const {
  return with([&](document_storage& in) -> result<void> {
    if (seen_ && seen_->may_hold(row.document)) {
      auto stored = in.get(name_, row.document.id);
      if (!stored) return fail(std::move(stored.error()));
      if (*stored && (*stored)->view() == row.document) return {};
    }
    auto done = in.put(name_, std::span{&row, 1}, indexed_);
    if (seen_) done ? seen_->saw(row.document) : seen_->forget(row.document.id);
    return done;
  });
}

result<bool> model_rows::remove(const std::string& id) const {
  bool was_there = false;
  auto done = with([&](document_storage& in) -> result<void> {
    if (seen_) seen_->forget(id);
    return in.remove(name_, std::span{&id, 1}).map([&](std::size_t n) { was_there = n > 0; });
  });
  if (!done) return fail(std::move(done.error()));
  return was_there;
}

result<std::size_t> model_rows::remove_all() const {
  std::size_t count = 0;
  auto done = with([&](document_storage& in) -> result<void> {
    if (seen_) seen_->forget_all();
    return in.remove_all(name_).map([&](std::size_t n) { count = n; });
  });
  if (!done) return fail(std::move(done.error()));
  return count;
}

result<std::size_t> model_rows::reindex(const document_indexer& values_of) const {
  std::size_t count = 0;
  auto done = with([&](document_storage& in) -> result<void> {
    const auto indexer = [&](const document_view& row) {
      auto values = values_of(row);
      if (!values) values.error() = of_row(in, row, values.error());
      return values;
    };
    return in.reindex(name_, indexed_, indexer).map([&](std::size_t n) { count = n; });
  });
  if (!done) return fail(std::move(done.error()));
  return count;
}

result<void> model_rows::get(std::span<const std::string> ids, consistency wanted,
                             const row_reader& reader) const {
  return with([&](document_storage& in) -> result<void> {
    // Chunks, so that what was read before a failure stays cached.
    std::vector<std::string> distinct;
    const bool in_chunks = seen_ && ids.size() > rows_at_once;
    if (in_chunks) {
      for (const auto id : without_repeats(ids)) distinct.emplace_back(id);
    }
    for (auto rest = in_chunks ? std::span<const std::string>{distinct} : ids; !rest.empty();) {
      const auto some = rest.first(in_chunks ? std::min(rows_at_once, rest.size()) : rest.size());
      rest = rest.subspan(some.size());
      auto found = in.get_many(name_, some, wanted);
      if (!found) return fail(std::move(found.error()));
      if (seen_ && found->size() < some.size()) {
        for (const auto& id : some) seen_->forget(id);
      }
      for (const auto& row : *found) {
        auto more = reader(row.view());
        if (!more) return fail(of_row(in, row.view(), more.error()));
        if (seen_) seen_->saw(row.view());
        if (!*more) return {};
      }
    }
    return {};
  });
}

result<void> model_rows::all(consistency wanted, const row_reader& reader) const {
  return with([&](document_storage& in) -> result<void> {
    if (seen_) seen_->forget_all();  // what is not passed is gone
    std::optional<error> unreadable;
    auto done = in.all(name_, wanted, [&](const document_view& row) {
      auto more = reader(row);
      if (!more) {
        unreadable = of_row(in, row, more.error());
        return false;
      }
      if (seen_) seen_->saw(row);
      return *more;
    });
    if (unreadable) return fail(*std::move(unreadable));
    return done;
  });
}

result<std::optional<std::vector<std::string>>> model_rows::ids_by_index(const criteria& wanted,
                                                                         consistency how) const {
  using ids = std::optional<std::vector<std::string>>;
  std::vector<indexed_value> values;
  for (const auto& [field, value] : wanted) {
    if (std::ranges::find(indexed_, field) == indexed_.end()) continue;
    auto text = comparable(value);
    if (!text) return ids{std::in_place};  // it equals nothing
    values.push_back({field, indexable(*std::move(text))});
  }
  if (values.empty()) return ids{};
  ids found;
  auto done = with([&](document_storage& in) -> result<void> {
    return in.find(name_, values, how).map([&](ids listed) { found = std::move(listed); });
  });
  if (!done) return fail(std::move(done.error()));
  if (!found && !warned_.exchange(true)) {
    log().warn(
        "read models \"{}\": rows were written without some of the chosen indexes, so all rows are "
        "read; call reindex once no writer leaves them out",
        name_);
  }
  return found;
}

result<void> model_rows::some(const criteria& wanted, bool by_index, consistency how,
                              const row_reader& reader) const {
  if (!by_index) return all(how, reader);
  auto listed = ids_by_index(wanted, how);
  if (!listed) return fail(std::move(listed.error()));
  if (!*listed) return all(how, reader);
  bool more = true;
  for (std::span<const std::string> rest{**listed}; more && !rest.empty();) {
    const auto some = rest.first(std::min(rows_at_once, rest.size()));
    auto done = get(some, how, [&](const document_view& row) {
      return reader(row).map([&](bool go_on) { return more = go_on; });
    });
    if (!done) return done;
    rest = rest.subspan(some.size());
  }
  return {};
}

result<split_criteria> split(std::string_view model, const criteria& wanted) {
  split_criteria made;
  for (const auto& one : wanted) {
    if (one.field != "id") {
      made.rest.push_back(one);
      continue;
    }
    auto ids = ids_of(one.value);
    if (!ids) {
      return fail(errc::invalid_argument,
                  fmt::format("field \"id\" of {} is compared with neither an id nor a list of ids",
                              model));
    }
    for (const auto& id : *ids) {
      if (auto why = fault_of_document_id(id)) return fail(*std::move(why));
    }
    if (!made.ids) {
      made.ids = std::move(ids);
    } else {
      std::erase_if(*made.ids,
                    [&](const auto& id) { return std::ranges::find(*ids, id) == ids->end(); });
    }
  }
  return made;
}

std::optional<error> fault_of_row(const model_class& of, const document_view& row) {
  if (row.type == of.type) return std::nullopt;
  return error{errc::unknown_type,
               fmt::format("expected type \"{}\", found \"{}\"", of.type, row.type)};
}

error not_decoded(const model_class& of, const error& why) {
  return {why.code, fmt::format("expected a \"{}\" of version {}: {}", of.type, of.schema_version,
                                why.message)};
}

error other_id_inside(std::string_view stored, std::string_view inside) {
  return {errc::corrupt,
          fmt::format("expected the id \"{}\" inside, found \"{}\"", stored, inside)};
}

error not_encoded(const model_class& of, std::string_view name, std::string_view id,
                  const error& why) {
  return {why.code,
          fmt::format("\"{}\" with id \"{}\": the {} {}", name, id, of.type, why.message)};
}

}}}  // namespace nexus::v0::detail
