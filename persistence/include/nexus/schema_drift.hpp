// How the tables of a journal differ from those that Nexus makes, for every database that has some: a
// backend lists the parts that there should be and those that it finds, and gets the differences.
//
// For authors of backends. Threads: values. Throws: nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nexus/result.hpp"

namespace nexus::inline v0 {

/// A table, a column, a key, an index or a trigger.
struct schema_part {
  std::string name;       ///< how a line begins: "index nexus_erased_by_position"
  std::string table;      ///< the name of its table's part; a table's own
  std::string what{};     ///< is compared: "text NOT NULL"
  bool tells = true;      ///< whether `what` is short enough for a line
  bool harmless = false;  ///< no difference if there should be none
  std::string fault{};    ///< of one that was found: what is wrong with it, whatever else it is
};

struct schema_difference {
  enum class kind : std::uint8_t { missing, different, extra };

  kind how = kind::missing;
  std::string line;  ///< "index nexus_erased_by_position is missing"
};

/// In the order of the parts, extra ones last. Of a missing table nothing more is said.
[[nodiscard]] std::vector<schema_difference> compare(const std::vector<schema_part>& expected,
                                                     const std::vector<schema_part>& found);

}  // namespace nexus::inline v0
