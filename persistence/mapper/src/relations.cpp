// Loads related rows of many entities at once: one statement per relation, not one per entity.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "nexus/detail/relation.hpp"
#include "row_statements.hpp"
#include "value_text.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

using key_values = std::vector<sql_value>;

// Which entities have these values.
class entities_by_key {
 public:
  void add(const key_values& key, std::size_t entity) {
    const auto [at, is_new] = first_.try_emplace(printed_key(key), none);
    if (is_new) keys_.insert(keys_.end(), key.begin(), key.end());
    pairs_.push_back({entity, at->second});
    at->second = pairs_.size() - 1;
  }

  /// Calls `f(entity, is_last)` for each.
  template <class F>
  void for_each(const key_values& key, F&& f) {
    if (key != last_key_) {  // rows come in the order of their keys
      const auto found = first_.find(printed_key(key));
      last_key_ = key;
      last_first_ = found == first_.end() ? none : found->second;
    }
    for (auto at = last_first_; at != none;) {
      const auto& pair = pairs_[at];
      at = pair.next;
      f(pair.entity, at == none);
    }
  }

  /// The different ones, one behind the other.
  [[nodiscard]] const key_values& keys() const noexcept { return keys_; }

 private:
  static constexpr auto none = static_cast<std::size_t>(-1);
  struct pair {
    std::size_t entity;
    std::size_t next;  // of the same key
  };

  std::unordered_map<std::string, std::size_t> first_;
  std::vector<pair> pairs_;
  key_values keys_;
  key_values last_key_;
  std::size_t last_first_ = none;
};

bool has_null(const key_values& key) {
  return std::ranges::any_of(
      key, [](const sql_value& v) { return std::holds_alternative<std::monostate>(v); });
}

class loading {
 public:
  loading(row_mapper& in, const relation& of, std::span<void* const> entities)
      : on_{in.on()}, own_{in}, of_{of}, entities_{entities} {}

  result<void> load(const row_query& more, row_mapper* remembered_in) {
    if (auto done = read_keys(); !done) return done;
    for (auto* entity : entities_) of_.clear(entity);
    if (owners_.keys().empty()) return {};
    if (of_.kind == relation_kind::many_to_many) {
      if (auto done = read_links(); !done) return done;
    }
    if (remembered_in != nullptr && &remembered_in->of().entity != &of_.target->entity) {
      return fail(errc::invalid_argument,
                  fmt::format("table {}: the mapper that is to remember the relation {} is one of "
                              "other entities",
                              own_.of().name, of_.name));
    }
    row_mapper apart{on_, of_.target};
    auto& target = remembered_in != nullptr ? *remembered_in : apart;
    auto list = of_.make_list();
    auto wanted = more;
    wanted.remember = remembered_in != nullptr;
    // The foreign key first, by whose index the rows come then.
    const auto columns = target_columns();
    for (const auto& one : columns) wanted.order.push_back({one, direction::ascending});
    for (const auto at : of_.target->key) {
      wanted.order.push_back({of_.target->columns[at].name, direction::ascending});
    }
    std::vector<void*> related;
    for (const auto piece : pieces(target_keys(), columns.size())) {
      wanted.among = row_query::tuples{columns, {piece.begin(), piece.end()}};
      auto done = target.read(wanted, [&] { return related.emplace_back(of_.add(list.get())); });
      if (!done) return done;
    }
    if (!more.relations.empty()) {
      if (auto done = target.load_related(more, related); !done) return done;
    }
    return attach(target, related);
  }

  result<void> count() {
    if (!of_.set_count) {
      return fail(errc::invalid_argument,
                  fmt::format("table {}: the relation {} has no member for its count",
                              own_.of().name, of_.name));
    }
    if (auto done = read_keys(); !done) return done;
    for (auto* entity : entities_) of_.set_count(entity, 0);
    const bool linked = of_.kind == relation_kind::many_to_many;
    const auto columns = linked ? of_.between.own : foreign_names();
    for (const auto piece : pieces(owners_.keys(), columns.size())) {
      const auto counted = linked ? count_links(of_.between, *of_.target, piece, on_.dialect())
                                  : count_rows(*of_.target, columns, piece, on_.dialect());
      if (!counted) return fail(counted.error());
      auto rows = run(on_, *counted);
      if (!rows) return fail(std::move(rows.error()));
      for (auto& row : rows->rows) {
        const auto number = std::get<std::int64_t>(row.back());
        row.pop_back();
        owners_.for_each(
            row, [&](std::size_t entity, bool) { of_.set_count(entities_[entity], number); });
      }
    }
    return {};
  }

 private:
  // A statement takes a list of values of one column as one parameter; with several columns each
  // value is one.
  static std::vector<std::span<const sql_value>> pieces(const key_values& keys,
                                                        std::size_t columns) {
    const std::size_t most = columns == 1 ? 100'000 : 10'000 / columns * columns;
    std::vector<std::span<const sql_value>> made;
    for (std::span<const sql_value> rest{keys}; !rest.empty();) {
      const auto size = std::min(most, rest.size());
      made.push_back(rest.first(size));
      rest = rest.subspan(size);
    }
    return made;
  }

  // The columns' names in the table.
  std::vector<std::string> foreign_names() const {
    std::vector<std::string> made;
    for (const auto& one : of_.columns) {
      const auto at = of_.target->column_of(one);
      made.push_back(at ? of_.target->columns[*at].name : one);
    }
    return made;
  }

  std::vector<std::string> target_columns() const {
    if (of_.kind == relation_kind::has) return of_.columns;
    std::vector<std::string> made;
    for (const auto at : of_.target->key) made.push_back(of_.target->columns[at].name);
    return made;
  }

  const key_values& target_keys() const {
    return of_.kind == relation_kind::many_to_many ? linked_.keys() : owners_.keys();
  }

  static result<std::vector<std::size_t>> numbers_of(const table& in,
                                                     const std::vector<std::string>& names,
                                                     const std::string& relation_name) {
    std::vector<std::size_t> made;
    for (const auto& name : names) {
      const auto at = in.column_of(name);
      if (!at) {
        return fail(errc::invalid_argument,
                    fmt::format("table {}: the relation {} names the column {}, which it lacks",
                                in.name, relation_name, name));
      }
      made.push_back(*at);
    }
    return made;
  }

  result<void> read_keys() {
    if (const auto& ready = of_.target->finish(); !ready) return ready;
    auto& own = own_.of();
    result<std::vector<std::size_t>> columns = own.key;
    if (of_.kind == relation_kind::belongs_to) columns = numbers_of(own, of_.columns, of_.name);
    if (!columns) return fail(std::move(columns.error()));
    const auto expected = of_.kind == relation_kind::belongs_to ? of_.target->key.size()
                          : of_.kind == relation_kind::has      ? of_.columns.size()
                                                                : of_.between.own.size();
    const bool fits =
        columns->size() == expected && (of_.kind != relation_kind::many_to_many ||
                                        of_.between.related.size() == of_.target->key.size());
    if (!fits) {
      return fail(errc::invalid_argument,
                  fmt::format("table {}: the foreign key of the relation {} has another number of "
                              "columns than the key",
                              own.name, of_.name));
    }
    key_values key;
    for (std::size_t i = 0; i < entities_.size(); ++i) {
      if (auto done = own_.values(entities_[i], *columns, key); !done) return done;
      if (!has_null(key)) owners_.add(key, i);
    }
    return {};
  }

  result<void> read_links() {
    for (const auto piece : pieces(owners_.keys(), of_.between.own.size())) {
      auto rows = run(on_, select_links(of_.between, piece, on_.dialect()));
      if (!rows) return fail(std::move(rows.error()));
      const auto width = static_cast<std::ptrdiff_t>(of_.between.own.size());
      for (const auto& row : rows->rows) {
        const key_values own{row.begin(), row.begin() + width};
        const key_values related{row.begin() + width, row.end()};
        if (has_null(related)) continue;
        owners_.for_each(own, [&](std::size_t entity, bool) { linked_.add(related, entity); });
      }
    }
    return {};
  }

  result<void> attach(row_mapper& target, std::span<void* const> related) {
    auto columns = numbers_of(*of_.target, target_columns(), of_.name);
    if (!columns) return fail(std::move(columns.error()));
    auto& owners = of_.kind == relation_kind::many_to_many ? linked_ : owners_;
    key_values key;
    for (auto* one : related) {
      if (auto done = target.values(one, *columns, key); !done) return done;
      owners.for_each(key, [&](std::size_t entity, bool is_last) {
        of_.attach(entities_[entity], one, is_last);
      });
    }
    return {};
  }

  session& on_;
  row_mapper& own_;
  const relation& of_;
  std::span<void* const> entities_;
  entities_by_key owners_;
  entities_by_key linked_;
};

}  // namespace

result<void> row_mapper::load_related(const row_query& wanted, std::span<void* const> entities) {
  struct step {
    row_query more{};
    row_mapper* remembered_in = nullptr;
  };
  std::map<std::string, step> steps;
  for (const auto& one : wanted.relations) {
    const auto dot = one.path.find('.');
    auto& step = steps[one.path.substr(0, dot)];
    if (dot == std::string::npos) {
      step.remembered_in = one.remembered_in;
    } else {
      step.more.relations.push_back({one.path.substr(dot + 1), one.remembered_in});
    }
  }
  const auto named = [&](const std::string& name) -> result<const relation*> {
    const auto found = std::ranges::find(of_->relations, name, &relation::name);
    if (found != of_->relations.end()) return &*found;
    return fail(errc::invalid_argument,
                fmt::format("table {}: there is no relation \"{}\"", of_->name, name));
  };
  for (auto& [name, step] : steps) {
    auto of = named(name);
    if (!of) return fail(std::move(of.error()));
    if (auto done = loading{*this, **of, entities}.load(step.more, step.remembered_in); !done) {
      return done;
    }
  }
  for (const auto& name : wanted.counts) {
    auto of = named(name);
    if (!of) return fail(std::move(of.error()));
    if (auto done = loading{*this, **of, entities}.count(); !done) return done;
  }
  return {};
}

}}}  // namespace nexus::v0::detail
