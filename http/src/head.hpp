// Reads a request's head strictly: its sender, every proxy between and this server must agree where
// the request ends. Boost.Beast's parser, plus further checks of RFC 9112.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "connection.hpp"
#include "nexus/http/request.hpp"
#include "nexus/http/response.hpp"
#include "target.hpp"

namespace nexus { inline namespace v0 { namespace http {

struct head_limits {
  std::size_t bytes_max;         ///< of the whole head
  std::size_t target_bytes_max;  ///< of the request target
};

struct head {
  std::string method;
  target to;
  name_values headers;  ///< as sent, without the blanks around a value
  bool is_1_1 = true;
  bool keeps_alive = true;  ///< the client allows another request to follow
  bool in_chunks = false;
  std::optional<std::uint64_t> length;  ///< of the body; none, and not in chunks: no body

  /// All values of that name as one list (RFC 9110, 5.3); none if there are none.
  [[nodiscard]] std::optional<std::string> all(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
};

/// Reads one head, up to its empty line. On failure returns the error response, after which the
/// connection ends; status 0: there is no client to answer.
[[nodiscard]] tl::expected<head, response> read_head(connection& from, const head_limits& limits);

/// Parses the whole `text`, "GET / HTTP/1.1 …" to its empty line.
[[nodiscard]] tl::expected<head, response> parse_head(std::string_view text);

/// `name: value`, RFC 9112, 5. `line` must not contain control characters.
[[nodiscard]] bool is_header(std::string_view line) noexcept;

/// A malformed request: 400.
[[nodiscard]] response malformed(std::string_view why);

/// The response when `what` did not arrive: 408 or 400.
[[nodiscard]] response not_read(input how, std::string_view what);

}}}
