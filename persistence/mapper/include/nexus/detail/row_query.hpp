// Which rows are read, and in which order.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nexus/comparison.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Rows that are marked as removed.
enum class trashed : std::uint8_t { without, with, only };

class row_mapper;

/// Relations that are loaded with the rows; where their rows are remembered.
struct wanted_relation {
  std::string path;                     ///< "lines", or "lines.product"
  row_mapper* remembered_in = nullptr;  ///< null: nowhere
};

struct row_query {
  /// All of these, and of each of them one.
  std::vector<std::vector<condition>> where{};
  /// Rows whose columns have one of these lists of values, which follow one another.
  struct tuples {
    std::vector<std::string> columns;
    std::vector<sql_value> values;
  };
  std::optional<tuples> among{};
  struct order_by {
    std::string column;
    direction towards;
  };
  std::vector<order_by> order{};
  std::optional<std::int64_t> limit{};
  std::int64_t offset = 0;
  trashed marked = trashed::without;
  bool remember = true;     ///< for `store`
  bool has_scopes = false;  ///< they are among the conditions already
  std::vector<std::string> scopes{};
  std::vector<std::string> without_scopes{};
  std::vector<wanted_relation> relations{};
  std::vector<std::string> counts{};  ///< relations whose rows are counted
};

}}}  // namespace nexus::v0::detail
