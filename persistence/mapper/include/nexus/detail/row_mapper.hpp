// A mapper without the type of its entities.
//
// Threads: those of its session.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/detail/remembered_rows.hpp"
#include "nexus/detail/row_query.hpp"
#include "nexus/detail/table.hpp"
#include "nexus/session.hpp"
#include "nexus/store_result.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct statement {
  std::string sql;
  std::vector<sql_value> with;
};

/// The text of an INSERT or UPDATE, which the next one often shares.
struct last_text {
  std::vector<std::size_t> columns{};
  bool flag = false, other = false;  ///< what else it depends on
  std::string sql{};
  std::vector<const sql_value*> with{};  ///< of the row that is written, until it changes
};

/// How a row is removed.
enum class removal : std::uint8_t { by_mapping, force };

struct write_choices {
  bool validate = true;
  bool listeners = true;
};

class row_mapper {
 public:
  row_mapper(session& on, std::shared_ptr<table> of)
      : on_{on}, of_{std::move(of)}, memory_{std::make_shared<remembered_rows>()} {}

  store_item store(void* entity, const write_choices& how = {});
  store_report store(std::span<void* const> entities, const write_choices& how = {});
  /// A rollback of the transaction around it puts key, version and times back on the entity, if it
  /// still exists.
  store_item store_shared(const std::shared_ptr<void>& entity);
  store_item remove(void* entity, removal how);
  store_report remove(std::span<void* const> entities, removal how);
  store_item restore(void* entity);
  store_report restore(std::span<void* const> entities);

  /// Passes each row as a fresh entity, which `fresh` makes; an error stops.
  result<void> read(const row_query& wanted, const std::function<void*()>& fresh);
  /// The row with this key, as an entity that `fresh` makes; false: there is none.
  result<bool> find(std::span<const filter_value::one> key, const std::function<void*()>& fresh);
  result<bool> find(std::span<const sql_value> key, const std::function<void*()>& fresh);
  result<std::int64_t> count(const row_query& wanted);
  /// Whether another row than the entity's has the value.
  result<bool> exists(std::string_view field, const filter_value& value, const void* except);

  /// Attaches related rows, and their numbers, to entities.
  result<void> load_related(const row_query& wanted, std::span<void* const> entities);

  /// The row that the entity would be written as.
  [[nodiscard]] result<row_values> dehydrated(const void* entity) const;

  /// Puts some columns of it into `to`; one that is left out is NULL.
  result<void> values(const void* entity, std::span<const std::size_t> columns,
                      std::vector<sql_value>& to) const;

  /// `overloaded` if no more rows can be remembered.
  [[nodiscard]] result<void> has_room() const;

  [[nodiscard]] session& on() const noexcept { return on_; }
  [[nodiscard]] table& of() const noexcept { return *of_; }
  [[nodiscard]] remembered_rows& memory() noexcept { return *memory_; }

 private:
  friend class write_run;

  class rows_taker;

  struct scratch {
    row_values values;
    std::vector<std::size_t> changed;
  };

  /// A row of its own without values, whose memory is used again.
  class spare_row {
   public:
    explicit spare_row(row_mapper& in) : in_{in} {
      if (in.spare_rows_.empty()) {
        own_ = std::make_unique<scratch>();
      } else {
        own_ = std::move(in.spare_rows_.back());
        in.spare_rows_.pop_back();
      }
      own_->values.resize(in.of_->columns.size());
    }
    spare_row(const spare_row&) = delete;
    spare_row& operator=(const spare_row&) = delete;
    ~spare_row() {
      for (auto& value : own_->values) value.reset();
      own_->changed.clear();
      in_.spare_rows_.push_back(std::move(own_));
    }
    [[nodiscard]] scratch& operator*() const noexcept { return *own_; }

   private:
    row_mapper& in_;
    std::unique_ptr<scratch> own_;
  };

  result<std::size_t> read(std::string_view sql, sql_parameters with,
                           const std::function<void*()>& fresh, bool remembered,
                           std::size_t rows_max);
  [[nodiscard]] row_values as_row(std::span<const sql_value> from) const;
  /// A fresh entity, with the values of a row.
  result<void*> entity_of(std::span<const sql_value> from, const std::function<void*()>& fresh);
  result<void> remember(const void* entity, std::span<sql_value> from);

  session& on_;
  std::shared_ptr<table> of_;
  std::shared_ptr<remembered_rows> memory_;
  last_text last_insert_, last_update_;
  std::vector<std::unique_ptr<scratch>> spare_rows_;  // kept for their memory
};

// What an entity is written as; each adds columns that `row` lacks.

result<void> write_row(const table& of, const void* entity, row_values& row);
/// At least the key.
result<void> write_key(const table& of, const void* entity, row_values& row);
/// At least the version, and the columns that differ from `known`, which are `changed`.
result<void> write_changes(const table& of, const void* entity, row_view known, row_values& row,
                           std::vector<std::size_t>& changed);

/// Adds what the mapping's validations find; `rejected` if one throws.
result<void> run_validators(const table& of, const void* entity, std::vector<violation>& to);
/// `rejected`, with all of them, if there are any.
result<void> refuse_violations(const table& of, std::span<const violation> found);

[[nodiscard]] error misfit_error(const table& of, const misfit& why, errc code,
                                 std::string_view doing);

/// The row's key in memory: equal if the keys are.
[[nodiscard]] std::string key_of(const table& of, const row_values& row);
/// "order 7", for messages.
[[nodiscard]] std::string shown_key(const table& of, const row_values& row);

}}}  // namespace nexus::v0::detail
