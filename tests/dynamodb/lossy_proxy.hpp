// Between a client of DynamoDB and its server: loses the next write, its answer, or both for a while.
//
//   lossy_proxy network{server.port()};
//   network.lose_next(lossy_proxy::how::answer);
//
// A client that does not get an answer sends its request again: those are lost, too.
//
// Threads: one per connection; the calls come from any. Throws: std::runtime_error if no port is
// free.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
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
  void fail_writes(bool fail) { failing_ = fail; }

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
  std::string lost_;               // the body that is lost each time
  std::vector<std::string> late_;  // whole requests
  std::thread acceptor_;
  std::list<std::thread> connections_;
};

}  // namespace nexus::test
