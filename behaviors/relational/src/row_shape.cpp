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

// The row has another key than the entity's.
struct other_key {
  std::size_t column;
};

result<void> validated(const table& of, const void* entity) {
  if (of.validators.empty()) return {};
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
  } catch (const malformed_image&) {
    return fail(no_rows());
  }
}

// `use(column, value)` for each value of the next row.
template <class Use>
void each_value(image_reader& from, Use&& use) {
  sql_value value;
  const auto size = from.count();
  for (std::size_t at = 0; at < size; ++at) {
    if (from.value(value)) use(at, value);
  }
}

void assign_all(const table& of, void* to, image_reader& from) {
  each_value(from, [&](std::size_t at, const sql_value& value) {
    if (of.is_field(at) && of.rules[at].has_column) of.entity.assign(to, of.rules, at, value);
  });
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
  const auto& root = *tables.root;
  const auto is_field = [&](const std::optional<std::size_t>& at) {
    return at && root.is_field(*at);
  };
  keeps_more_ = !lists.empty() || is_field(root.created) || is_field(root.updated);
  keeps_version_ = is_field(root.version);
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

result<row_difference> row_shape::image(const void* root, std::string_view id,
                                        std::string_view before, sequence_nr version, timestamp now,
                                        std::string& made) const {
  const auto& of = *tables.root;
  std::vector<sql_value> key;
  if (of.key.size() > 1 || !lists.empty()) {
    if (auto done = read_key(of, id, key); !done) return fail(std::move(done.error()));
  }
  if (auto valid = validated(of, root); !valid) return fail(std::move(valid.error()));
  row_difference what;
  made.clear();
  made.reserve(before.size() + 32);
  image_reader old{before};
  image_writer to{made};
  try {
    add_root(root, old, before.empty(), version, now, id, key, to, what);
  } catch (const misfit& why) {
    return fail(misfit_error(of, why, errc::invalid_argument, "write"));
  } catch (const other_key& wrong) {
    if (auto done = read_key(of, id, key); !done) return fail(std::move(done.error()));
    return fail(errc::invalid_argument,
                fmt::format("the row to persist has another key in {} than the entity's id \"{}\"",
                            of.place(wrong.column), id));
  }
  const auto root_size = made.size();
  to.count(lists.size());
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const auto& table = *tables.owned[i].of;
    const auto& parent = tables.owned[i].parent;
    std::vector<row_values> rows;
    result<void> done;
    lists[i].each(root, [&](const void* one) {
      if (done) done = validated(table, one);
      if (!done) return;
      auto& row = rows.emplace_back(table.columns.size());
      done = write_row(table, one, row);
      for (std::size_t k = 0; k < parent.size(); ++k) row[parent[k]] = key[k];
    });
    if (!done) return fail(std::move(done.error()));
    to.count(rows.size());
    for (const auto& row : rows) to.row(row);
  }
  what.any = what.any || old.rest() != std::string_view{made}.substr(root_size);
  return what;
}

// Throws misfit and other_key. `key` is that of `id`; empty: it is one column.
void row_shape::add_root(const void* root, image_reader& before, bool is_new, sequence_nr version,
                         timestamp now, std::string_view id, std::span<const sql_value> key,
                         image_writer& to, row_difference& what) const {
  const auto& of = *tables.root;
  if (!is_new) (void)before.count();
  to.count(of.columns.size());
  for (std::size_t at = 0; at < of.columns.size(); ++at) {
    const auto was = is_new ? std::string_view{} : before.skip();
    const auto begin = to.size();
    if (of.version == at) {
      to.value(static_cast<std::int64_t>(version));
    } else if (of.created == at && !is_new) {
      to.raw(was);
    } else if (of.created == at || of.updated == at) {
      to.value(time_value(now, of.columns[at].time));
      what.columns.add(at % column_set::most);
    } else if (of.is_field(at) && of.rules[at].has_column) {
      of.entity.pack(root, of.rules, at, to);
    } else {
      to.none();
    }
    const auto& column = of.columns[at];
    if ((!column.is_compared && !column.is_key) || to.from(begin) == was) continue;
    if (column.is_compared) {
      what.any = true;
      what.columns.add(at % column_set::most);
    } else {
      sql_value value;  // the one before may have had another form
      of.entity.value(root, of.rules, at, value);
      const auto i = static_cast<std::size_t>(std::ranges::find(of.key, at) - of.key.begin());
      if (key.empty() ? !is_key(value, id) : value != key[i]) throw other_key{at};
    }
  }
}

result<void> row_shape::fill(void* root, std::string_view id, std::string_view bytes) const {
  image_reader from{bytes};
  auto done = assigning(*tables.root, [&] {
    assign_all(*tables.root, root, from);
    if (from.count() != lists.size()) throw malformed_image{};
  });
  for (std::size_t i = 0; done && i < lists.size(); ++i) {
    const auto& table = *tables.owned[i].of;
    lists[i].clear(root);
    done = assigning(table, [&] {
      for (auto rows = from.count(); rows > 0; --rows) assign_all(table, lists[i].add(root), from);
    });
  }
  return done ? has_key(root, id) : done;
}

// An integer has one form.
result<void> row_shape::has_key(const void* root, std::string_view id) const {
  const auto& of = *tables.root;
  const auto is_text = [&](std::size_t at) { return of.columns[at].kind == value_kind::text; };
  if (std::ranges::none_of(of.key, is_text)) return {};
  std::vector<sql_value> key;
  if (auto done = read_key(of, id, key); !done) return done;
  sql_value value;
  for (std::size_t i = 0; i < key.size(); ++i) {
    of.entity.value(root, of.rules, of.key[i], value);
    if (value != key[i]) {
      return fail(errc::invalid_id, fmt::format("{}: the row that was found for the id \"{}\" has "
                                                "another key: the database takes both for equal",
                                                of.place(of.key[i]), id));
    }
  }
  return {};
}

result<void> row_shape::set_kept(void* root, std::string_view bytes, sequence_nr version) const {
  const auto& of = *tables.root;
  if (!keeps_more_) {
    if (!keeps_version_) return {};
    return assigning(of, [&] {
      of.entity.assign(root, of.rules, *of.version, static_cast<std::int64_t>(version));
    });
  }
  image_reader from{bytes};
  auto done = assigning(of, [&] {
    sql_value value;
    const auto size = from.count();
    for (std::size_t at = 0; at < size; ++at) {
      const bool is_kept = of.version == at || of.created == at || of.updated == at;
      if (!is_kept || !of.is_field(at)) {
        from.skip();
      } else if (from.value(value)) {
        of.entity.assign(root, of.rules, at, value);
      }
    }
    if (from.count() != lists.size()) throw malformed_image{};
  });
  for (std::size_t i = 0; done && i < lists.size(); ++i) {
    const auto& table = *tables.owned[i].of;
    const auto& parent = tables.owned[i].parent;
    done = assigning(table, [&] {
      (void)from.count();
      lists[i].each(root, [&](const void* one) {
        // The list is the entity's own, which `root` lets us change.
        auto* const to = const_cast<void*>(one);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
        each_value(from, [&](std::size_t at, const sql_value& value) {
          if (table.is_field(at) && std::ranges::count(parent, at) > 0) {
            table.entity.assign(to, table.rules, at, value);
          }
        });
      });
    });
  }
  return done;
}

}}}  // namespace nexus::v0::detail
