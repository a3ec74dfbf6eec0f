// Rows by key, and pages and pieces of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nexus/detail/row_mapper.hpp"

namespace nexus { inline namespace v0 { namespace detail {

[[nodiscard]] error no_such_row(const table& of, const row_query& wanted);
[[nodiscard]] error no_such_row(table& of, std::span<const filter_value::one> key);

/// If a key has not this number of columns.
[[nodiscard]] std::optional<error> wrong_key(const table& of, std::size_t values);

/// The values of the key's columns.
[[nodiscard]] result<std::vector<sql_value>> key_columns(const table& of,
                                                         std::span<const filter_value::one> key);

/// Narrow a query to rows by their key; the error says what is wrong with the key.
[[nodiscard]] std::optional<error> where_key(table& of, std::span<const filter_value::one> key,
                                             row_query& to);
[[nodiscard]] std::optional<error> where_keys(
    table& of, const std::vector<std::vector<filter_value::one>>& keys, row_query& to);

[[nodiscard]] result<row_query> page(table& of, const row_query& asked, std::int64_t number,
                                     std::int64_t rows_per_page);

/// The rows of a query in pieces, by ascending key.
class chunks {
 public:
  chunks(row_mapper& in, const row_query& wanted, std::int64_t rows_max);
  ~chunks();
  chunks(const chunks&) = delete;
  chunks& operator=(const chunks&) = delete;

  [[nodiscard]] result<row_query> next();
  /// After its rows were read.
  [[nodiscard]] result<void> read(const void* last, std::size_t rows);
  [[nodiscard]] bool at_end() const noexcept { return at_end_; }
  /// The mapper forgets the rows of this piece.
  void forget();

 private:
  row_mapper& in_;
  row_query wanted_;
  std::int64_t rows_max_;
  std::vector<std::string> added_;
  std::optional<std::vector<sql_value>> last_;  // the key of the last row
  bool at_end_ = false;
};

}}}  // namespace nexus::v0::detail
