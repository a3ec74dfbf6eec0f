// The target in a request's first line: path and query, percent-encoded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nexus/http/request.hpp"

namespace nexus { inline namespace v0 { namespace http {

struct target {
  std::string path;                ///< as sent
  std::vector<std::string> parts;  ///< decoded, between the slashes: "/" has one empty part
  name_values queries;             ///< decoded, with a plus as a space
  std::size_t bytes = 0;           ///< of the whole target
};

/// RFC 9112, 3.2 and RFC 3986, strictly: `invalid_argument` for characters that must be encoded,
/// for a % without two hexadecimal digits, and for an encoded NUL. Accepts "/path", for proxies
/// "http://host/path", and for OPTIONS "*", which has no parts.
[[nodiscard]] result<target> parse_target(std::string_view text, std::string_view method = "GET");

/// "host", "host:80", "[::1]:80": RFC 3986, 3.2, without a user.
[[nodiscard]] bool is_authority(std::string_view text) noexcept;

}}}
