// A network that fails on demand: between clients and a server, it knows where transactions end,
// and breaks connections there.
//
//   proxy net{pg.port()};
//   auto store = nexus::open(pg.tcp_uri(db, net.port()));
//   net.once(fault::cut_after, executes("append"));    // the next append commits, unanswered
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

/// What happens to a connection at a Sync or a simple query. "Cut": the client sees its connection
/// closed. "Silent": nothing passes any more in either direction, not even the end.
enum class fault {
  cut_before,     ///< cut, and the server never gets the Sync: nothing is stored
  cut_after,      ///< the server gets it and commits, the client is cut before the answer
  hold,           ///< cut, and the server gets the Sync only by release(): a late commit
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

  /// Applies to the first transaction, of any connection, that meets the condition. Several wait in
  /// order.
  void once(fault what, condition when);
  /// The number of faults that have happened. Cuts count when the server has ended the connection
  /// too, so that its commit is visible; `hold` when the client is cut.
  [[nodiscard]] std::size_t happened() const;
  /// Sends the held Syncs to the server; true if all their connections have ended since.
  void release();
  [[nodiscard]] bool released() const;

  /// Refuses new connections from now on, or no longer. Existing ones stay.
  void refuse(bool yes);
  /// Cuts all connections.
  void cut();
  /// Makes all connections silent from now on, also new ones.
  void silence();
  /// Delays each transaction to the server.
  void delay(std::chrono::milliseconds by);

  /// The number of connections so far, of those open now, and of transactions passed on whose
  /// statement name, or query text, begins with a prefix.
  [[nodiscard]] std::size_t accepted() const;
  [[nodiscard]] std::size_t open() const;
  [[nodiscard]] std::size_t passed(std::string_view prefix = "") const;

 private:
  class loop;
  std::unique_ptr<loop> loop_;
};

/// True for transactions whose statement name, or query text, begins with `prefix`.
[[nodiscard]] proxy::condition executes(std::string prefix);

}  // namespace nexus::test
