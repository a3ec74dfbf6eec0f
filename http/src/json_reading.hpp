// JSON from strangers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace nexus::inline v0::http {

/// RFC 8259, and bounded: at most 64 arrays and objects within each other, as nlohmann::json copies and
/// writes recursively; no key twice in one object, of which others would take the first. What is none is
/// answered with a sentence.
[[nodiscard]] tl::expected<nlohmann::json, std::string> read_json(std::string_view text);

/// Where `read`, which was made of `sent` and written again, says something else; "" if nowhere.
/// nlohmann::json makes 1 of 1.99 and another number of what a type cannot hold. What only one of the
/// two has is passed over, and so is what changed its kind: that is how a type of one's own reads.
[[nodiscard]] std::string first_difference(const nlohmann::json& sent, const nlohmann::json& read);

}
