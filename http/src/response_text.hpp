// The text of a response, as sent.
#pragma once

#include <string>

#include "nexus/http/response.hpp"

namespace nexus { inline namespace v0 { namespace http {

/// Why `made` cannot be sent, "" if it can: a status that does not end a request; a header that
/// would end the head, or that only the server may set (the body's length, whether the connection
/// goes on).
[[nodiscard]] std::string why_unsendable(const response& made);

/// For HEAD without the body. `made` must be sendable.
[[nodiscard]] std::string to_text(const response& made, bool is_head, bool closes);

}}}
