// What stands behind the method in a request's first line: path and query, percent-encoded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nexus/http/request.hpp"

namespace nexus::inline v0::http {

struct target {
  std::string path;                ///< as it was sent
  std::vector<std::string> parts;  ///< decoded, between the slashes: of "/" one empty part
  name_values queries;             ///< decoded; there a plus is a space
};

/// RFC 3986, and strict: `invalid_argument` for a % that two hexadecimal digits do not follow. Takes
/// the absolute form, too.
[[nodiscard]] result<target> parse_target(std::string_view text);

}
