// Lingering close: a connection is kept for a short time after its last response, until its client
// has read the response and closed. Closing at once, with unread input, could destroy the response
// (RFC 9112, 9.6). One thread waits for all of them, so that none delays another.
//
// Threads: any; `run` is on a thread of the owner. Bounds: 256 connections, then the oldest is
// closed; half a second each.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace nexus { inline namespace v0 { namespace http {

class lingering_close {
 public:
  lingering_close() = default;
  ~lingering_close();
  lingering_close(const lingering_close&) = delete;
  lingering_close& operator=(const lingering_close&) = delete;

  /// Takes over the socket, after the last write.
  void close(int socket);

  /// Waits for the clients, until it was stopped and all are gone.
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
  std::deque<leaving> new_;  // guarded, like the next
  bool stopped_ = false;
  std::deque<leaving> all_;  // used by the thread of `run`
};

}}}
