// A value of a column as text, for keys in memory and for messages.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <variant>

#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct value_text {
  std::string operator()(std::monostate) const { return "NULL"; }
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(std::int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return fmt::format("{}", v); }
  std::string operator()(const std::string& v) const { return v; }
  std::string operator()(const sql_bytes& v) const { return v.data; }
};

[[nodiscard]] inline std::string printed(const sql_value& value) {
  // Most keys are integers.
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return std::visit(value_text{}, value);
}

/// Different for different values of the same columns.
template <class Values>
[[nodiscard]] std::string joined_text(const Values& values) {
  if (std::size(values) == 1) return printed(*std::begin(values));
  std::string made;
  for (const auto& value : values) {
    const auto part = printed(value);
    made += std::to_string(part.size()) + ":" + part;
  }
  return made;
}

}}}
