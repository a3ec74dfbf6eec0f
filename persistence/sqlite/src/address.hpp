// Where a journal in SQLite is.
//
// Threads: a value.
#pragma once

#include <string>

#include "layout.hpp"
#include "nexus/result.hpp"
#include "nexus/schema_choices.hpp"
#include "nexus/uri.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

struct address {
  std::string path;  ///< absolute
  std::string
      name;  ///< for messages, "sqlite:PATH", with the table_prefix if it is not the default
  bool synchronous_full = true;
  schema_choices choices;

  /// Fails with `invalid_argument` for an empty path and unknown or bad parameters.
  [[nodiscard]] static result<address> from(const uri& where);

  [[nodiscard]] tables with(const layout& of) const { return {of, choices, name}; }
};

}}}  // namespace nexus::v0::sqlite
