// Reads JSON of untrusted clients.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace nexus { inline namespace v0 { namespace http {

/// RFC 8259 with bounds: at most 64 nested arrays and objects, as nlohmann::json copies and writes
/// recursively; no repeated key in one object, since parsers differ in which one they take. Invalid
/// JSON returns an error text.
[[nodiscard]] tl::expected<nlohmann::json, std::string> read_json(std::string_view text);

/// The first place where `read`, which was made of `sent` and written again, differs; "" if they
/// agree. nlohmann::json makes 1 of 1.99, and a different number of one that a type cannot hold.
/// Members that only one side has are skipped, as are values of another kind: types with their own
/// from_json may do that.
[[nodiscard]] std::string first_difference(const nlohmann::json& sent, const nlohmann::json& read);

}}}
