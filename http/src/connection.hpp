// An accepted connection, read and written with bounds: of time, of line length. It outlives a
// request, so bytes that a client sends ahead are kept.
//
// Threads: one at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace nexus { inline namespace v0 { namespace http {

struct connection_limits {
  std::chrono::milliseconds read_timeout;  ///< for the whole request to arrive
  std::chrono::milliseconds write_timeout;
};

/// The outcome of reading.
enum class input : std::uint8_t {
  good,
  late,       ///< nothing arrived in time
  ended,      ///< the client sends no more, or is gone
  malformed,  ///< a line does not end with CRLF, or contains a control character
  too_long    ///< a line is too long
};

class connection {
 public:
  /// Takes over the socket.
  connection(int socket, const connection_limits& limits) : socket_{socket}, limits_{limits} {}
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Whether a request begins within `within`: `good`, `late` or `ended`.
  [[nodiscard]] input wait(std::chrono::milliseconds within);

  /// Starts the time limit for reading a whole request.
  void request_begins();

  /// Appends exactly `size` bytes.
  [[nodiscard]] input read_exactly(std::size_t size, std::string& to);
  /// Reads up to CRLF, which is left out; `too_long` if more than `max` bytes precede it.
  [[nodiscard]] input read_line(std::size_t max, std::string& to);

  /// Sends all of `text`; false if the client does not take it in time.
  [[nodiscard]] bool write(std::string_view text);

  /// Gives up the socket without closing it.
  [[nodiscard]] int release() noexcept;

 private:
  using time_point = std::chrono::steady_clock::time_point;

  [[nodiscard]] input fill(time_point until);

  int socket_;
  const connection_limits limits_;
  std::array<char, 4096> in_;
  std::size_t begin_ = 0;  // of the bytes read and not yet taken
  std::size_t end_ = 0;
  time_point whole_by_{};
};

}}}
