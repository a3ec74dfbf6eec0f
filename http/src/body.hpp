// Reads a request's body, with a bound in every encoding and an unambiguous end.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "connection.hpp"
#include "head.hpp"
#include "nexus/http/response.hpp"

namespace nexus { inline namespace v0 { namespace http {

/// Reads the body of the head `of` into `to`, at most `max` bytes; sends 100 Continue if the client
/// waits for it. On failure returns the error response, after which the connection ends. Without a
/// length and without chunks there is no body.
[[nodiscard]] std::optional<response> read_body(connection& from, const head& of, std::size_t max,
                                                std::string& to);

}}}
