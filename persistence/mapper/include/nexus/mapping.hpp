// How a struct and a table correspond.
//
//   struct order {
//     std::int64_t id = 0;
//     std::string customer;
//     order_status status = order_status::open;
//     std::int64_t version = 0;
//     MSGPACK_DEFINE_MAP(id, customer, status, version)
//   };
//
//   nexus::mapping<order> orders{"orders"};
//   orders.generated_key("id").column("customer", "customer_name").version("version");
//   if (auto fits = orders.check(session); !fits) return complain(fits.error().message);
//
// Each field that MSGPACK_DEFINE_MAP lists is a column of its name, until the mapping says
// otherwise. docs/mapper.md lists how types are stored. Names of tables and columns are those of
// the database's catalogue, in their case; "a.b" is the table b of the schema a.
//
// A mapping is a handle: copies are the same mapping. Complete it before its first use.
//
// Threads: any, once it is complete. Failures: `invalid_argument`, from `check` and from every call
// of a mapper, for a name or choice that cannot be; it names table and field.
#pragma once

#include <concepts>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nexus/detail/table.hpp"
#include "nexus/row_filter.hpp"

namespace nexus { inline namespace v0 {

template <class E>
concept mappable = detail::mapped<E> && std::default_initializable<E> && std::movable<E>;

namespace detail {

// The functions of a relation that know the types of its entities.
template <class E, class Member, class T>
relation relation_of(Member E::*into, std::int64_t E::*count, T*) {
  relation made;
  made.make_list = []() -> std::shared_ptr<void> { return std::make_shared<std::deque<T>>(); };
  made.add = [](void* list) -> void* { return &static_cast<std::deque<T>*>(list)->emplace_back(); };
  made.clear = [into](void* entity) {
    if constexpr (is_optional<Member>) {
      (static_cast<E*>(entity)->*into).reset();
    } else {
      (static_cast<E*>(entity)->*into).clear();
    }
  };
  made.attach = [into](void* entity, void* related, bool is_last) {
    auto& from = *static_cast<T*>(related);
    auto& to = static_cast<E*>(entity)->*into;
    const auto put = [&](auto&& value) {
      if constexpr (is_optional<Member>) {
        to = std::forward<decltype(value)>(value);
      } else {
        to.push_back(std::forward<decltype(value)>(value));
      }
    };
    is_last ? put(std::move(from)) : put(std::as_const(from));
  };
  if (count != nullptr) {
    made.set_count = [count](void* entity, std::int64_t number) {
      static_cast<E*>(entity)->*count = number;
    };
  }
  return made;
}

}

/// Columns that keep when a row was made and changed. An empty name: there is none.
struct timestamp_columns {
  std::string created = "created_at";
  std::string updated = "updated_at";
  time_format format = time_format::text;  ///< of columns without a field
};

template <mappable E>
class mapping {
 public:
  explicit mapping(std::string table)
      : table_{std::make_shared<detail::table>(std::move(table), detail::fields_of_entity<E>())} {}

  // Keys. All names below may be names of fields or of columns.

  /// The columns that identify a row, which the program sets.
  mapping& key(std::initializer_list<std::string_view> names) {
    table_->key_names.assign(names.begin(), names.end());
    return *this;
  }
  mapping& key(std::string_view name) { return key({name}); }
  /// The database makes the key of a new row (an identity column, a rowid), and the mapper sets it
  /// on the struct. 0, "" and an empty optional are keys that are not set yet.
  mapping& generated_key(std::string_view name) {
    table_->generated = true;
    return key({name});
  }

  // Columns.

  mapping& column(std::string_view field, std::string column) {
    table_->rename(field, std::move(column));
    return *this;
  }
  /// A column without a field, for `dehydrate` and `hydrate`.
  mapping& column(std::string name) {
    table_->add_column(std::move(name));
    return *this;
  }
  /// The field has no column.
  mapping& without(std::string_view field) {
    table_->leave_out(field);
    return *this;
  }
  /// How a time point is stored; by default as text.
  mapping& format(std::string_view field, time_format as) {
    table_->format(field, as);
    return *this;
  }
  /// A trigger or a default sets the column: it is never written, and read again after each write.
  mapping& of_database(std::string_view name) {
    table_->own_by_database(name);
    return *this;
  }
  /// Stores a field in a form of the program's. `to_column(field)` returns what a statement takes;
  /// `from_column(sql_value)` returns the field's value, and throws if there is none.
  template <class M, class To, class From>
  mapping& convert(M E::*member, To to_column, From from_column) {
    detail::field_rule rule;
    rule.write = [to = std::move(to_column)](const void* field) {
      return detail::to_sql(to(*static_cast<const M*>(field)));
    };
    rule.read = [from = std::move(from_column)](void* field, const sql_value& value) {
      *static_cast<M*>(field) = from(value);
    };
    table_->convert(detail::field_at(member), std::move(rule));
    return *this;
  }

  /// Runs after the fields were written to `to`, which it may change.
  mapping& dehydrate(std::function<void(const E& entity, column_values& to)> f) {
    table_->dehydrate = [f = std::move(f)](const void* entity, column_values& to) {
      f(*static_cast<const E*>(entity), to);
    };
    return *this;
  }
  /// Runs after the fields were read; may read related rows by the session. It runs for each row.
  mapping& hydrate(
      std::function<result<void>(E& entity, const column_values& from, session& on)> f) {
    table_->hydrate = [f = std::move(f)](void* entity, const column_values& from, session& on) {
      return f(*static_cast<E*>(entity), from, on);
    };
    return *this;
  }

  // What the mapper maintains.

  /// An integer that each write raises by one. A write of an entity whose version is not the row's
  /// is a `conflict`.
  mapping& version(std::string name) {
    table_->version_name = std::move(name);
    return *this;
  }
  /// The mapper sets them, on fields too if they have some. `created` is never written again.
  mapping& timestamps(timestamp_columns columns = {}) {
    table_->created_name = std::move(columns.created);
    table_->updated_name = std::move(columns.updated);
    table_->stamps = columns.format;
    return *this;
  }
  /// Sets the times on the struct if they are not fields; runs once the row is written, before the
  /// listeners.
  mapping& stamps(std::function<void(E& entity, timestamp now, bool created)> f) {
    table_->stamp_hook = [f = std::move(f)](void* entity, timestamp now, bool created) {
      f(*static_cast<E*>(entity), now, created);
    };
    return *this;
  }
  /// `remove` sets this column to the time instead of deleting the row, and reading leaves such
  /// rows out. A field of that name is a std::optional.
  mapping& soft_deletes(std::string name = "deleted_at") {
    table_->deleted_name = std::move(name);
    return *this;
  }
  /// The time of stamps and soft deletes; by default the wall clock.
  mapping& clock(std::shared_ptr<const nexus::clock> time) {
    if (!time) table_->mistake("it has no clock");
    if (time) table_->time = std::move(time);
    return *this;
  }

  // Validation, before a row is inserted or updated.

  /// `why_not(entity)` returns what is wrong with the field; "" if nothing is.
  mapping& validate(std::string field, std::function<std::string(const E&)> why_not) {
    if (!table_->entity.find(field)) table_->mistake("there is no field " + field);
    table_->validators.push_back([field = std::move(field), f = std::move(why_not)](
                                     const void* entity, std::vector<violation>& to) {
      if (auto why = f(*static_cast<const E*>(entity)); !why.empty()) to.push_back({field, why});
    });
    return *this;
  }
  mapping& validate(std::function<void(const E&, std::vector<violation>& to)> f) {
    table_->validators.push_back(
        [f = std::move(f)](const void* entity, std::vector<violation>& to) {
          f(*static_cast<const E*>(entity), to);
        });
    return *this;
  }
  /// No other row may have the same value: a SELECT before each write of the column. A violation
  /// then names the field; only a unique index in the database excludes races.
  mapping& unique(std::string field) {
    table_->unique.push_back(std::move(field));
    return *this;
  }

  // Listeners, in the order: storing; creating or updating; the write; created or updated; stored.
  // `removing` and `restoring` come before the write, `removed` and `restored` after it. Those
  // before the write take E&, may change the entity, and cancel by returning false; an exception
  // fails the entity. Those after it take const E&; what they throw is reported only.

  template <class F>
  mapping& storing(std::string name, F f) {
    return before(detail::moment::storing, std::move(name), std::move(f));
  }
  template <class F>
  mapping& creating(std::string name, F f) {
    return before(detail::moment::creating, std::move(name), std::move(f));
  }
  template <class F>
  mapping& updating(std::string name, F f) {
    return before(detail::moment::updating, std::move(name), std::move(f));
  }
  template <class F>
  mapping& removing(std::string name, F f) {
    return before(detail::moment::removing, std::move(name), std::move(f));
  }
  template <class F>
  mapping& restoring(std::string name, F f) {
    return before(detail::moment::restoring, std::move(name), std::move(f));
  }
  template <class F>
  mapping& stored(std::string name, F f) {
    return after(detail::moment::stored, std::move(name), std::move(f));
  }
  template <class F>
  mapping& created(std::string name, F f) {
    return after(detail::moment::created, std::move(name), std::move(f));
  }
  template <class F>
  mapping& updated(std::string name, F f) {
    return after(detail::moment::updated, std::move(name), std::move(f));
  }
  template <class F>
  mapping& removed(std::string name, F f) {
    return after(detail::moment::removed, std::move(name), std::move(f));
  }
  template <class F>
  mapping& restored(std::string name, F f) {
    return after(detail::moment::restored, std::move(name), std::move(f));
  }

  // Scopes: conditions with a name (nexus/row_filter.hpp).

  /// For `rows_query::scope`.
  mapping& scope(std::string name, std::function<void(row_filter&)> narrow) {
    table_->scopes.push_back({std::move(name), false, std::move(narrow)});
    return *this;
  }
  /// Narrows whatever is read, unless `rows_query::without_scope` names it.
  mapping& global_scope(std::string name, std::function<void(row_filter&)> narrow) {
    table_->scopes.push_back({std::move(name), true, std::move(narrow)});
    return *this;
  }

  // Relations, for `rows_query::with`. The member for the related entities is not among the fields
  // of MSGPACK_DEFINE_MAP. Names of a foreign key's columns are in the order of the key.

  /// The other table's `foreign_key` is this key; the rows come in the order of their key. `count`
  /// is for `rows_query::with_count`.
  template <class T>
  mapping& has_many(std::string name, std::vector<T> E::*into, const mapping<T>& of,
                    std::vector<std::string> foreign_key, std::int64_t E::*count = nullptr) {
    return relate(detail::relation_kind::has, std::move(name), into, of, std::move(foreign_key), {},
                  count);
  }
  template <class T>
  mapping& has_one(std::string name, std::optional<T> E::*into, const mapping<T>& of,
                   std::vector<std::string> foreign_key) {
    return relate(detail::relation_kind::has, std::move(name), into, of, std::move(foreign_key), {},
                  nullptr);
  }
  /// This table's `foreign_key` is the other one's key.
  template <class T>
  mapping& belongs_to(std::string name, std::optional<T> E::*into, const mapping<T>& of,
                      std::vector<std::string> foreign_key) {
    return relate(detail::relation_kind::belongs_to, std::move(name), into, of,
                  std::move(foreign_key), {}, nullptr);
  }
  /// A third table has pairs of keys.
  template <class T>
  mapping& many_to_many(std::string name, std::vector<T> E::*into, const mapping<T>& of,
                        link_table by, std::int64_t E::*count = nullptr) {
    return relate(detail::relation_kind::many_to_many, std::move(name), into, of, {}, std::move(by),
                  count);
  }

  /// Compares the mapping with the database: whether table and columns exist, their types fit,
  /// columns that may be NULL are std::optional, columns that must be written are mapped, the key is
  /// unique, and the columns of relations exist, on both sides. `invalid_argument`, with all
  /// differences: each names table, column and field. It also learns whether SQLite's rowid is the
  /// key, which makes inserts twice as fast.
  [[nodiscard]] result<void> check(session& on) const;

  [[nodiscard]] const std::shared_ptr<detail::table>& table() const noexcept { return table_; }

 private:
  template <class Member, class T>
  mapping& relate(detail::relation_kind kind, std::string name, Member E::*into,
                  const mapping<T>& of, std::vector<std::string> columns, link_table by,
                  std::int64_t E::*count) {
    auto made = detail::relation_of<E>(into, count, static_cast<T*>(nullptr));
    made.name = std::move(name);
    made.kind = kind;
    made.target = of.table();
    made.columns = std::move(columns);
    made.between = std::move(by);
    table_->relations.push_back(std::move(made));
    return *this;
  }

  template <class F>
  mapping& before(detail::moment when, std::string name, F f) {
    table_->listeners.push_back({when, std::move(name), [f = std::move(f)](void* entity) {
                                   auto& to = *static_cast<E*>(entity);
                                   if constexpr (std::is_void_v<decltype(f(to))>) {
                                     return f(to), true;
                                   } else {
                                     return static_cast<bool>(f(to));
                                   }
                                 }});
    return *this;
  }
  template <class F>
  mapping& after(detail::moment when, std::string name, F f) {
    table_->listeners.push_back({when, std::move(name), [f = std::move(f)](void* entity) {
                                   f(*static_cast<const E*>(entity));
                                   return true;
                                 }});
    return *this;
  }

  std::shared_ptr<detail::table> table_;
};

namespace detail {
[[nodiscard]] result<void> check_mapping(table& of, session& on);
}

template <mappable E>
result<void> mapping<E>::check(session& on) const {
  return detail::check_mapping(*table_, on);
}

}}  // namespace nexus::v0
