// A mapping without the type of its entities: the table, its columns, and what the user has said.
//
// Threads: after `finish`, any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/clock.hpp"
#include "nexus/column_values.hpp"
#include "nexus/detail/entity_fields.hpp"
#include "nexus/detail/relation.hpp"
#include "nexus/session.hpp"
#include "nexus/store_result.hpp"

namespace nexus { inline namespace v0 {

class row_filter;

namespace detail {

enum class moment : std::uint8_t {
  storing,
  creating,
  updating,
  removing,
  restoring,  // may cancel
  stored,
  created,
  updated,
  removed,
  restored
};

struct listener {
  moment when;
  std::string name;
  std::function<bool(void* entity)> call;  ///< false: cancels
};

/// Adds what is wrong with an entity.
using validator = std::function<void(const void* entity, std::vector<violation>& to)>;

struct column {
  std::string name{};  ///< in the table; empty: the field has none
  value_kind kind = value_kind::text;
  bool may_be_null = false;
  bool of_database = false;  ///< never written, and read again after each write
  time_format time = time_format::text;
  bool is_compared = true;  ///< a difference is written: no key, and nothing that is maintained
  bool is_key = false;
  std::string quoted{};  ///< for SQL
};

struct scope {
  std::string name;
  bool is_global;
  std::function<void(row_filter&)> narrow;
};

/// Whether the generated key is SQLite's rowid, in all tables that `check` has seen: a statement
/// tells the rowid for nothing, and RETURNING doubles its costs.
enum class rowid_key : std::uint8_t { unknown, yes, no };

struct table {
  explicit table(std::string named, const entity_fields& of);

  // What the user says, until `finish`. The first mistake is kept.
  void rename(std::string_view field, std::string column);
  void leave_out(std::string_view field);
  void format(std::string_view field, time_format time);
  void convert(std::optional<std::size_t> field, field_rule with);
  void add_column(std::string name);
  void own_by_database(std::string_view field_or_column);
  void mistake(std::string why);

  /// Resolves names; the error says which name is wrong. Calls after the first return the same.
  [[nodiscard]] const result<void>& finish();

  /// By the name of its field or its own.
  [[nodiscard]] std::optional<std::size_t> column_of(std::string_view field_or_column) const;
  /// "table orders, column customer_name (field customer)".
  [[nodiscard]] std::string place(std::size_t column) const;
  [[nodiscard]] std::string field_name(std::size_t column) const;
  /// Whether a key that the database makes, or the next version, may not fit its field.
  [[nodiscard]] bool has_narrow_fields() const {
    const auto is_narrow = [&](std::size_t at) {
      return is_field(at) && entity.fields[at].is_narrow;
    };
    return (generated && !key.empty() && is_narrow(key.front())) ||
           (version && is_narrow(*version));
  }
  [[nodiscard]] bool is_field(std::size_t column) const { return column < entity.fields.size(); }
  /// Whether a key of one column, as the database told it, is what the entity would be written as.
  [[nodiscard]] bool is_as_written(const row_values& row) const {
    return key_read && kept_as[*key_read] == row[key.front()]->index();
  }

  const std::string name;
  const entity_fields& entity;
  std::vector<field_rule> rules;
  std::vector<column> columns;  ///< those of the fields first

  // Names, as given:
  std::vector<std::string> key_names{};
  std::string version_name{}, created_name{}, updated_name{}, deleted_name{};
  time_format stamps = time_format::text;  ///< of stamps without a field
  bool generated = false;                  ///< the database makes the key
  std::atomic<rowid_key> by_rowid = rowid_key::unknown;
  std::shared_ptr<const clock> time = std::make_shared<wall_clock>();

  // Numbers of columns:
  std::vector<std::size_t> key{};
  std::optional<std::size_t> version{}, created{}, updated{}, deleted{};
  std::vector<std::size_t> of_database{};
  std::vector<std::size_t> read{};           ///< those with a name
  std::optional<std::size_t> key_read{};     ///< where `read` has the key, if it is one column
  std::vector<std::size_t> set_by_insert{};  ///< version and times, on the entity

  static constexpr std::size_t any_value = std::variant_npos - 1, no_value = std::variant_npos;
  /// Per column of `read` the alternative of sql_value that is what the entity would be written as.
  /// Of others the database may have another form of the same value, e.g. of JSON.
  std::vector<std::size_t> kept_as{};

  std::function<void(const void* entity, column_values& to)> dehydrate{};
  std::function<result<void>(void* entity, const column_values& from, session& on)> hydrate{};
  std::function<void(void* entity, timestamp now, bool created)> stamp_hook{};
  std::vector<listener> listeners{};
  std::vector<validator> validators{};
  std::vector<std::string> unique{};  ///< fields that no other row may share

  std::vector<scope> scopes{};
  std::vector<relation> relations{};

  // For SQL:
  std::string quoted{};
  std::string select{};  ///< "SELECT " all columns " FROM " the table
  std::string find{};    ///< `select` of the row, not marked, whose key is $1, $2 …

 private:
  std::optional<std::size_t> resolve(const std::string& named, bool may_add);
  result<void> resolved();
  void write_sql();
  void choose_kept();

  std::once_flag once_{};
  std::atomic<bool> is_finished_ = false;  // asked first, for speed
  std::optional<std::string> mistake_{};
  result<void> finished_{};
};

/// A name for SQL, whatever it holds; of a table with its schema: "a.b" becomes "a"."b".
[[nodiscard]] std::string quoted_name(std::string_view name);
[[nodiscard]] std::string quoted_table(std::string_view name);

}
}}  // namespace nexus::v0
