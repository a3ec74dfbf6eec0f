// Reading a request's body, with a bound however it comes and no guess where it ends.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "connection.hpp"
#include "head.hpp"
#include "nexus/http/response.hpp"

namespace nexus::inline v0::http {

/// Reads the body whose head `of` is, at most `max` bytes, into `to`; asks for it if the client waits
/// for that. What cannot be read is answered with the response, and ends the connection. Without a
/// length and without chunks there is none.
[[nodiscard]] std::optional<response> read_body(connection& from, const head& of, std::size_t max,
                                                std::string& to);

}
