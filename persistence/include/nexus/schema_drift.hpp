// The differences between a journal's tables and the expected ones, for all databases: a backend
// lists the expected parts and those that it finds, and gets the differences.
//
// For authors of backends. Threads: values. Throws: nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

/// A table, a column, a key, an index or a trigger.
struct schema_part {
  std::string name;       ///< the start of the line: "index nexus_erased_by_position"
  std::string table;      ///< the name of its table's part; for a table its own name
  std::string what{};     ///< compared: "text NOT NULL"
  bool tells = true;      ///< whether `what` is short enough to show
  bool harmless = false;  ///< no difference if it is extra
  std::string fault{};    ///< what is wrong with a found part, whatever its `what`
};

struct schema_difference {
  enum class kind : std::uint8_t { missing, different, extra };

  kind how = kind::missing;
  std::string line;  ///< "index nexus_erased_by_position is missing"
};

/// In the order of the parts, extra ones last. For a missing table only the table is reported.
[[nodiscard]] std::vector<schema_difference> compare(const std::vector<schema_part>& expected,
                                                     const std::vector<schema_part>& found);

}}  // namespace nexus::v0
