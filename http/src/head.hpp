// A request's head, read strictly: where a request ends is what its sender, every proxy between and this
// server must agree on. Boost.Beast's parser, and what RFC 9112 asks for beyond it.
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

namespace nexus::inline v0::http {

struct head_limits {
  std::size_t bytes_max;         ///< of all of it
  std::size_t target_bytes_max;  ///< of what stands behind the method
};

struct head {
  std::string method;
  target to;
  name_values headers;  ///< as they were sent, without the blanks around a value
  bool is_1_1 = true;
  bool keeps_alive = true;  ///< another request may follow, as far as the client says
  bool in_chunks = false;
  std::optional<std::uint64_t> length;  ///< of the body; none and not in chunks: there is no body

  /// All values of that name, as one list (RFC 9110, 5.3); none if there is none.
  [[nodiscard]] std::optional<std::string> all(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
};

/// Reads one head, to its empty line. What is none is answered with the response, and ends the
/// connection; without one (status 0) there is nobody to answer.
[[nodiscard]] tl::expected<head, response> read_head(connection& from, const head_limits& limits);

/// All of `text`, "GET / HTTP/1.1 …" to its empty line.
[[nodiscard]] tl::expected<head, response> parse_head(std::string_view text);

/// `name: value`, RFC 9112, 5. `line` holds no control characters.
[[nodiscard]] bool is_header(std::string_view line) noexcept;

/// What cannot be understood, as a 400.
[[nodiscard]] response malformed(std::string_view why);

/// What becomes of a request of which `what` did not come: 408 or 400.
[[nodiscard]] response not_read(input how, std::string_view what);

}
