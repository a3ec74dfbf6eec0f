// The constraints that the text of a CREATE TABLE declares.
//
// SQLite keeps the names of UNIQUE, PRIMARY KEY and FOREIGN KEY constraints, and the columns of a
// CHECK, nowhere else.
//
// Threads: any. Throws: only when memory runs out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nexus/broken_constraint.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

struct declared_constraint {
  constraint_kind kind = constraint_kind::other;  // unique, foreign_key or check
  std::string name{};                             // empty: it has none
  std::vector<std::string> columns{};             // spelled as where the table declares them
  std::string parent{};                           // of a foreign key
  std::string expression{};                       // of a check, as SQLite's errors show it
};

/// `text` as in sqlite_master. A text that is no CREATE TABLE declares nothing.
[[nodiscard]] std::vector<declared_constraint> declared_constraints(std::string_view text);

/// Names of SQLite: equal but for the case of ASCII letters.
[[nodiscard]] bool same_name(const std::string& a, const std::string& b) noexcept;
[[nodiscard]] bool same_names(const std::vector<std::string>& a,
                              const std::vector<std::string>& b) noexcept;

}}}  // namespace nexus::v0::sqlite
