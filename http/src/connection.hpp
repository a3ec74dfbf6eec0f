// One accepted connection, as httplib reads and writes it, with the bounds that httplib lacks: of a head,
// of the time in which a request has to come as a whole. It outlives a request, so what a client sends
// ahead stays.
//
// Threads: one at a time.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace nexus::inline v0::http {

struct connection_limits {
  std::size_t head_bytes_max;
  std::chrono::milliseconds read_timeout;
  std::chrono::milliseconds write_timeout;
};

class connection final : public httplib::Stream {
 public:
  /// Takes over the socket.
  connection(int socket, const connection_limits& limits) : socket_{socket}, limits_{limits} {}
  ~connection() override;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Something can be read within `within`, be it the end.
  [[nodiscard]] bool has_input(std::chrono::milliseconds within) const;

  /// From here on a request is read. Until `whole`, the connection is of no use after it.
  void request_begins();
  void head_ends() noexcept { in_head_ = false; }
  void request_is_whole() noexcept { is_whole_ = true; }
  /// It is the last one.
  void ends() noexcept { ends_ = true; }

  /// Another request may follow.
  [[nodiscard]] bool goes_on() const noexcept { return is_whole_ && !ends_; }
  [[nodiscard]] bool head_was_too_large() const noexcept { return in_head_ && head_left_ == 0; }

  /// Appends exactly `size` bytes; false if they do not come.
  [[nodiscard]] bool read_exactly(std::size_t size, std::string& to);
  /// Up to CRLF, which is left out; false if it does not come within `max` bytes.
  [[nodiscard]] bool read_line(std::size_t max, std::string& to);
  /// Sends what was written; false if the client does not take it in time.
  bool flush();

  // httplib::Stream
  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  using httplib::Stream::write;
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  // httplib asks only whether select() would take it; poll() takes any.
  socket_t socket() const override { return -1; }

 private:
  using time_point = std::chrono::steady_clock::time_point;

  int socket_;
  const connection_limits limits_;
  std::array<char, 4096> in_;
  std::size_t begin_ = 0;  // of what was read and not yet taken
  std::size_t end_ = 0;
  std::string out_;
  time_point whole_by_{};
  std::size_t head_left_ = 0;
  bool in_head_ = false;
  bool is_whole_ = true;
  bool ends_ = false;
};

/// Ends what is sent and waits a little until the client has taken it: closing at once, with input
/// that nobody read, would take back what was sent last (RFC 9112, 9.6).
void close_gently(int socket, std::chrono::milliseconds within);

}
