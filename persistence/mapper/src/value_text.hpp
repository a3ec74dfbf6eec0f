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
  return std::visit(value_text{}, value);
}

/// A key in memory: different for different values of the same columns, in one form.
[[nodiscard]] inline std::string memory_key(const sql_value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr) return printed(value);
  return {reinterpret_cast<const char*>(number), sizeof *number};  // most keys are one integer
}

/// `text` of one value, or of several with their lengths.
template <class Values, class Text>
[[nodiscard]] std::string joined(const Values& values, Text text) {
  if (std::size(values) == 1) return text(*std::begin(values));
  std::string made;
  for (const auto& value : values) {
    const auto part = text(value);
    made += std::to_string(part.size()) + ":" + part;
  }
  return made;
}
template <class Values>
[[nodiscard]] std::string memory_key(const Values& values) {
  return joined(values, [](const sql_value& one) { return memory_key(one); });
}
/// The same for values of which the database may have another form, e.g. 7 as '7'.
template <class Values>
[[nodiscard]] std::string printed_key(const Values& values) {
  return joined(values, printed);
}

}}}
