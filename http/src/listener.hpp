// Sockets and threads: accepts and serves connections, and refuses those above the bounds. A
// request_handler handles a request between reading it and sending its response.
//
// Threads: the owner calls `open`, `serve` and `join`; any may call the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <thread>
#include <vector>

#include "connection.hpp"
#include "gate.hpp"
#include "head.hpp"
#include "lingering_close.hpp"
#include "nexus/http/server.hpp"
#include "nexus/result.hpp"
#include "socket_queue.hpp"
#include "target.hpp"

namespace nexus { inline namespace v0 { namespace http {

/// What a listener needs of its server. Called on the listener's threads.
class request_handler {
 public:
  virtual ~request_handler() = default;

  /// Answers an admitted request with method, headers and body; `to` is its target. The response
  /// can be sent.
  [[nodiscard]] virtual response answer(request asked, target to) = 0;

  /// A problem of the server itself: 503 once it stops, with the headers for a retry.
  [[nodiscard]] virtual response refusal(int status, std::string_view title,
                                         std::string_view detail) const = 0;
  virtual void count(std::string_view method, std::string_view route, int status) = 0;
  virtual void count_turned_away() = 0;
};

class listener {
 public:
  /// `by`, `options` and `requests` outlive it.
  listener(request_handler& by, const server_options& options, gate& requests);
  ~listener();
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  [[nodiscard]] result<void> open();
  /// Starts the threads. Throws std::system_error if the system has none left; `join` must be
  /// called then, too.
  void serve();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// Accepts no more connections; idle ones end.
  void end_listening();
  void stop();
  [[nodiscard]] bool is_over() const noexcept { return running_ == 0; }
  void join();

 private:
  template <class F>
  void run(F f);
  void accept_all();
  void accept_waiting();
  void turn_away(int socket);
  void serve_connection(int socket);
  [[nodiscard]] bool await_request(connection& on) const;
  [[nodiscard]] bool serve_request(connection& on, bool is_last);
  void refuse(connection& on, const response& why, std::string_view method);
  [[nodiscard]] bool should_close() const;

  request_handler& handler_;
  const server_options& options_;
  gate& requests_;
  socket_queue queue_;
  lingering_close lingering_;
  int listening_ = -1;
  int bell_ = -1;  // wakes the accepting thread
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_{false};
  std::atomic<unsigned> running_{0};
  std::vector<std::thread> threads_;
  std::thread lingering_thread_;
};

}}}
