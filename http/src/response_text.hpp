// A response as it is sent.
#pragma once

#include <string>

#include "nexus/http/response.hpp"

namespace nexus::inline v0::http {

/// Why `made` cannot be sent, "" if it can: a status that ends no request; a header that would end the
/// head, or says what only the server can (how long the body is, whether the connection goes on).
[[nodiscard]] std::string why_unsendable(const response& made);

/// Of HEAD all but the body. `made` can be sent.
[[nodiscard]] std::string to_text(const response& made, bool is_head, bool closes);

}
