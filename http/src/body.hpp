// Reading a request's body, with what httplib lacks: a bound also for chunks, no guess where it ends.
#pragma once

#include <optional>

#include "connection.hpp"
#include "nexus/http/response.hpp"

namespace nexus::inline v0::http {

/// Reads the body whose head `of` is, at most `max` bytes, into `to`. What cannot be read is answered
/// with the response. Without a length and without chunks there is none.
[[nodiscard]] std::optional<response> read_body(connection& from, const httplib::Request& of,
                                                std::size_t max, std::string& to);

/// What a head says of it, for "Expect: 100-continue".
[[nodiscard]] bool says_too_large(const httplib::Request& of, std::size_t max);

}
