// Sockets and threads: accepts by httplib, serves connections on threads of its own, refuses what is too
// much. httplib reads heads and writes responses; everything between is the server's core.
//
// Threads: `open`, `serve` and `join` are its owner's; the others any.
#pragma once

#include <httplib.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "connection.hpp"
#include "nexus/result.hpp"
#include "socket_queue.hpp"

namespace nexus::inline v0::http {

namespace detail {
class server_core;
}

// httplib's constructor has the whole process ignore SIGPIPE. Here nothing raises it, so it stays as it was.
class keeps_sigpipe {
 protected:
  keeps_sigpipe() { ::sigaction(SIGPIPE, nullptr, &before_); }
  void restore_sigpipe() const { ::sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

class listener final : private keeps_sigpipe, private httplib::Server {
 public:
  explicit listener(detail::server_core& core);
  ~listener() override;

  [[nodiscard]] result<void> open();
  void serve();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// Takes no more connections; what idles ends.
  void end_listening();
  void stop();
  [[nodiscard]] bool is_over() const noexcept { return running_ == 0; }
  void join();

 private:
  bool process_and_close_socket(socket_t socket) override;

  template <class F>
  void run(F f);
  void serve_connection(int socket);
  void turn_away(int socket) const;
  [[nodiscard]] bool await_request(const connection& on, bool first) const;
  [[nodiscard]] bool should_close() const;
  void answer(const httplib::Request& asked, httplib::Response& to);
  void explain(const httplib::Request& asked, httplib::Response& to);

  detail::server_core& core_;
  socket_queue queue_;
  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_{false};
  std::atomic<unsigned> running_{0};
  std::vector<std::thread> threads_;
};

}
