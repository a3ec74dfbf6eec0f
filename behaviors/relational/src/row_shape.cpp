#include "nexus/detail/row_shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "nexus/detail/row_key.hpp"
#include "nexus/detail/row_mapper.hpp"
#include "nexus/mapping.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

tl::unexpected<error> bad(const table& of, std::string_view why) {
  return fail(errc::invalid_argument, fmt::format("table {}: {}", of.name, why));
}

// What an entity cannot keep.
result<void> fits_entities(const table& of) {
  if (of.generated) {
    return bad(of, "a generated key is the mapper's alone: an entity has its key before its row");
  }
  if (of.deleted) return bad(of, "soft deletes are the mapper's alone");
  if (!of.of_database.empty()) return bad(of, "columns of the database are the mapper's alone");
  if (of.hydrate || of.dehydrate) return bad(of, "hydrate and dehydrate are the mapper's alone");
  if (!of.listeners.empty() || of.stamp_hook) {
    return bad(of, "listeners are the mapper's alone: use then_run");
  }
  if (!of.unique.empty()) {
    return bad(of, "unique() is the mapper's alone: a unique index refuses the row");
  }
  return {};
}

result<void> fits_owned(const table& of) {
  if (of.version) return bad(of, "an owned row has no version: its root's guards it");
  if (of.created || of.updated) return bad(of, "an owned row has no stamps");
  return {};
}

// The value of a stamp: that of the field if it has one.
void stamp(const table& of, row_values& row, std::optional<std::size_t> at, timestamp now) {
  if (at) row[*at] = time_value(now, of.columns[*at].time);
}

result<void> validated(const table& of, const void* entity) {
  std::vector<violation> found;
  if (auto ran = run_validators(of, entity, found); !ran) return ran;
  return refuse_violations(of, found);
}

// Of an error of a program's function, as the mapper tells it.
template <class F>
result<void> assigning(const table& of, F&& f) {
  try {
    f();
    return {};
  } catch (const misfit& why) {
    return fail(misfit_error(of, why, errc::corrupt, "read the row"));
  }
}

void assign_all(const table& of, void* to, const row_values& from) {
  for (std::size_t at = 0; at < of.entity.fields.size(); ++at) {
    if (of.rules[at].has_column && from[at]) of.entity.assign(to, of.rules, at, *from[at]);
  }
}

}  // namespace

const result<void>& row_shape::finish() {
  std::call_once(once_, [&] { finished_ = resolve(); });
  return finished_;
}

result<void> row_shape::resolve() {
  const auto ready = [](table& of) -> result<void> {
    if (const auto& done = of.finish(); !done) return done;
    return fits_entities(of);
  };
  if (auto done = ready(*tables.root); !done) return done;
  if (auto fine = keys_are_ids(*tables.root); !fine) return fine;
  for (std::size_t i = 0; i < tables.owned.size(); ++i) {
    auto& [of, parent] = tables.owned[i];
    if (auto done = ready(*of); !done) return done;
    if (auto fine = fits_owned(*of); !fine) return fine;
    for (const auto& name : foreign_keys[i]) {
      const auto at = of->column_of(name);
      if (!at) return bad(*of, fmt::format("there is no foreign key column {}", name));
      parent.push_back(*at);
    }
  }
  return tables.finish();
}

result<void> row_shape::check(session& on) {
  if (const auto& done = finish(); !done) return done;
  if (auto fits = check_mapping(*tables.root, on); !fits) return fits;
  for (const auto& owned : tables.owned) {
    if (auto fits = check_mapping(*owned.of, on); !fits) return fits;
  }
  return {};
}

result<row_image> row_shape::image(const void* root, std::string_view id, const row_image* before,
                                   sequence_nr version, timestamp now) const {
  const auto& of = *tables.root;
  auto key = key_of_id(of, id);
  if (!key) return fail(std::move(key.error()));
  if (auto valid = validated(of, root); !valid) return fail(std::move(valid.error()));
  row_image made;
  made.root.resize(of.columns.size());
  if (auto done = write_row(of, root, made.root); !done) return fail(std::move(done.error()));
  for (std::size_t i = 0; i < of.key.size(); ++i) {
    auto& value = made.root[of.key[i]];
    if (value && *value == (*key)[i]) continue;
    return fail(errc::invalid_argument,
                fmt::format("the row to persist has another key in {} than the entity's id \"{}\"",
                            of.place(of.key[i]), id));
  }
  if (of.version) made.root[*of.version] = static_cast<std::int64_t>(version);
  stamp(of, made.root, of.updated, now);
  if (before != nullptr && of.created) {
    made.root[*of.created] = before->root[*of.created];
  } else {
    stamp(of, made.root, of.created, now);
  }
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const auto& table = *tables.owned[i].of;
    const auto& parent = tables.owned[i].parent;
    auto& rows = made.owned.emplace_back();
    result<void> done;
    lists[i].each(root, [&](const void* one) {
      if (done) done = validated(table, one);
      if (!done) return;
      auto& row = rows.emplace_back(table.columns.size());
      done = write_row(table, one, row);
      for (std::size_t k = 0; k < parent.size(); ++k) row[parent[k]] = (*key)[k];
    });
    if (!done) return fail(std::move(done.error()));
  }
  return made;
}

bool row_shape::same(const row_image& a, const row_image& b) const {
  const auto& columns = tables.root->columns;
  for (std::size_t at = 0; at < columns.size(); ++at) {
    if (columns[at].is_compared && a.root[at] != b.root[at]) return false;
  }
  return a.owned == b.owned;
}

result<void> row_shape::fill(void* root, const row_image& from) const {
  auto done = assigning(*tables.root, [&] { assign_all(*tables.root, root, from.root); });
  for (std::size_t i = 0; done && i < lists.size(); ++i) {
    const auto& table = *tables.owned[i].of;
    lists[i].clear(root);
    for (const auto& row : from.owned[i]) {
      if (done) done = assigning(table, [&] { assign_all(table, lists[i].add(root), row); });
    }
  }
  return done;
}

result<void> row_shape::set_kept(void* root, const row_image& from) const {
  const auto& of = *tables.root;
  auto done = assigning(of, [&] {
    for (const auto at : {of.version, of.created, of.updated}) {
      if (at && of.is_field(*at) && from.root[*at]) {
        of.entity.assign(root, of.rules, *at, *from.root[*at]);
      }
    }
  });
  for (std::size_t i = 0; done && i < lists.size(); ++i) {
    const auto& table = *tables.owned[i].of;
    const auto& parent = tables.owned[i].parent;
    const auto& rows = from.owned[i];
    std::size_t n = 0;
    lists[i].each(root, [&](const void* one) {
      const auto& row = rows[n++];
      // The list is the entity's own, which `root` lets us change.
      auto* const to = const_cast<void*>(one);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
      for (const auto at : parent) {
        if (!done || !table.is_field(at)) continue;
        done = assigning(table, [&] { table.entity.assign(to, table.rules, at, *row[at]); });
      }
    });
  }
  return done;
}

}}}  // namespace nexus::v0::detail
