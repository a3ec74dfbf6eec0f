// Between a client of DynamoDB and its server: loses the next write, its answer, or both for a while.
//
//   lossy_proxy network{server.port()};
//   network.lose_next(lossy_proxy::how::answer);
//
// A client that does not get an answer sends its request again: that is refused, as if its rights had
// been taken away meanwhile, so that it gives up at once.
//
// Threads: one per connection; the calls come from any. Throws: std::runtime_error if no port is
// free.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace nexus::test {

class lossy_proxy {
 public:
  enum class how : std::uint8_t {
    request,  ///< it never arrives
    answer,   ///< it arrives, and is answered
    late      ///< it arrives with `release`
  };

  explicit lossy_proxy(int server);
  ~lossy_proxy();
  lossy_proxy(const lossy_proxy&) = delete;
  lossy_proxy& operator=(const lossy_proxy&) = delete;

  [[nodiscard]] int port() const { return port_; }

  void lose_next(how kind);
  /// Lets what is late arrive; returns when the server has answered.
  void release();
  /// From now on the server fails at each write, as far as the client can tell.
  void fail_writes(bool fail);

 private:
  struct verdict {
    bool forward = true;
    bool answer = true;
    std::string instead{};  ///< an answer of our own
  };

  void accept_all();
  void serve(int client);
  verdict judge(const std::string& request, std::size_t body_at);

  const int server_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> failing_{false};
  std::mutex lock_;
  bool armed_ = false;
  how kind_ = how::request;
  std::set<std::string> lost_;     // the bodies that are refused from now on
  std::vector<std::string> late_;  // whole requests
  std::thread acceptor_;
  std::list<std::thread> connections_;
};

}  // namespace nexus::test
