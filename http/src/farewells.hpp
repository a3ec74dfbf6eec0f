// Connections that have been told the last word: each is kept until its client has taken it and closed,
// for a little while. Closing at once, with input that nobody read, would take back what was sent last
// (RFC 9112, 9.6). One thread waits for all of them, so that none costs another's time.
//
// Threads: any; `run` is one of the owner's. Bounds: 256 connections, the oldest goes for another; half
// a second each.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace nexus::inline v0::http {

class farewells {
 public:
  farewells() = default;
  ~farewells();
  farewells(const farewells&) = delete;
  farewells& operator=(const farewells&) = delete;

  /// Takes over the socket, to which nothing is sent any more.
  void say(int socket);

  /// Waits for the clients, until it was stopped and all have gone.
  void run();
  void stop();

 private:
  struct leaving {
    int socket;
    std::chrono::steady_clock::time_point until;
  };
  void look();

  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<leaving> new_;  // guarded, as is the next
  bool stopped_ = false;
  std::deque<leaving> all_;  // of `run`'s thread
};

}
