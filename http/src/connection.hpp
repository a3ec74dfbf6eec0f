// One accepted connection, read and written with bounds: of time, of a line. It outlives a request, so
// what a client sends ahead stays.
//
// Threads: one at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace nexus::inline v0::http {

struct connection_limits {
  std::chrono::milliseconds read_timeout;  ///< for a request to come as a whole
  std::chrono::milliseconds write_timeout;
};

/// What became of reading.
enum class input : std::uint8_t {
  good,
  late,       ///< nothing came in time
  ended,      ///< the client sends no more, or has gone
  malformed,  ///< a line that does not end with CRLF, or holds a control character
  too_long    ///< a line
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

  /// From here on a request is read, which has to be whole in time.
  void request_begins();

  /// Appends exactly `size` bytes.
  [[nodiscard]] input read_exactly(std::size_t size, std::string& to);
  /// Up to CRLF, which is left out; `too_long` if there are more than `max` bytes before it.
  [[nodiscard]] input read_line(std::size_t max, std::string& to);

  /// Sends all of it; false if the client does not take it in time.
  [[nodiscard]] bool write(std::string_view text);

  /// Gives the socket away.
  [[nodiscard]] int release() noexcept;

 private:
  using time_point = std::chrono::steady_clock::time_point;

  [[nodiscard]] input fill(time_point until);

  int socket_;
  const connection_limits limits_;
  std::array<char, 4096> in_;
  std::size_t begin_ = 0;  // of what was read and not yet taken
  std::size_t end_ = 0;
  time_point whole_by_{};
};

}
