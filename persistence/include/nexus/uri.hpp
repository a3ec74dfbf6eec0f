// A journal's address: `scheme:path?key=value&key=value`.
//
// Threads: a value. Failures: `invalid_argument`, which names the URI or the parameter, never a
// password.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

struct uri {
  std::string text;    ///< as given
  std::string scheme;  ///< before the first `:`, lower case
  std::string path;    ///< up to `?`, percent-decoded
  std::map<std::string, std::string> parameters;

  [[nodiscard]] static result<uri> parse(std::string_view text);

  /// The text for messages, with *** for the password in `//user:PASSWORD@` and for secret
  /// parameters.
  [[nodiscard]] std::string shown() const { return shown(text); }
  [[nodiscard]] static std::string shown(std::string_view text);

  /// Fails on the first parameter that is not in `known`, and names it.
  [[nodiscard]] result<void> only(std::span<const std::string_view> known) const;
};

}}  // namespace nexus::v0
