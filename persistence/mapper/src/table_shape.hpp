// What the database's catalogue says of a table.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "nexus/session.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct column_shape {
  std::string name;
  std::string type;  ///< as declared
  bool may_be_null = false;
  bool has_default = false;  ///< or the database makes the value in another way
  bool is_computed = false;  ///< cannot be written
  bool is_enum = false;      ///< of PostgreSQL
};

struct table_shape {
  std::string rowid{};                          ///< the column that is SQLite's rowid; empty: none
  std::vector<column_shape> columns{};          ///< empty: there is no such table
  std::vector<std::set<std::string>> unique{};  ///< sets of columns that no two rows share
};

[[nodiscard]] result<table_shape> shape_of(session& on, const std::string& table);

}}}
