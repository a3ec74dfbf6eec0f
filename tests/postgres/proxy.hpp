// A network that fails on demand: stands between clients and a server, knows where their transactions end,
// and breaks connections there.
//
//   proxy net{pg.port()};
//   auto store = nexus::open(pg.tcp_uri(db, net.port()));
//   net.once(fault::cut_after, executes("append"));    // the next append commits, its answer is lost
//
// Threads: any. A condition is called in the proxy's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "wire.hpp"

namespace nexus::test {

/// What happens to a connection when a Sync or a simple query comes through it. "Cut": the client sees
/// its connection closed. "Silent": nothing passes any more in either direction, not even its end.
enum class fault {
  cut_before,     ///< cut, and the server never gets the Sync: nothing is stored
  cut_after,      ///< the server gets it and commits, the client is cut before an answer
  hold,           ///< cut, and the server gets the Sync only with release(): a late commit
  silent_before,  ///< silent, without the Sync: the server's transaction stays open
  silent_after,   ///< silent, after the Sync: the server commits
};

class proxy {
 public:
  using condition = std::function<bool(const unit&)>;

  /// In front of 127.0.0.1:`server_port`.
  explicit proxy(int server_port);
  ~proxy();
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  [[nodiscard]] int port() const;

  /// Does it to the first transaction, of any connection, that meets the condition. Several wait in order.
  void once(fault what, condition when);
  /// How many such faults have happened. Those that cut are counted when the server has ended the
  /// connection too, so that what it has committed is there; `hold` when the client is cut.
  [[nodiscard]] std::size_t happened() const;
  /// Gives the server the Syncs that were held back; true: all their connections have ended since.
  void release();
  [[nodiscard]] bool released() const;

  /// From now on connections are refused, or no longer. Those that are there stay.
  void refuse(bool yes);
  /// Cuts all connections.
  void cut();
  /// All connections, also new ones, are silent from now on.
  void silence();
  /// Each transaction reaches the server this much later.
  void delay(std::chrono::milliseconds by);

  /// Connections so far, those open now, and transactions that were passed on in which a statement's
  /// name, or a query's text, begins so.
  [[nodiscard]] std::size_t accepted() const;
  [[nodiscard]] std::size_t open() const;
  [[nodiscard]] std::size_t passed(std::string_view prefix = "") const;

 private:
  class loop;
  std::unique_ptr<loop> loop_;
};

/// Holds for transactions in which a statement's name, or a simple query's text, begins so.
[[nodiscard]] proxy::condition executes(std::string prefix);

}  // namespace nexus::test
