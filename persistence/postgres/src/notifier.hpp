// Tells other sessions of new events, by NOTIFY after the commit.
//
// A NOTIFY within the append costs a quarter of the throughput, since notifying commits wait for
// each other. So a thread with its own connection sends one NOTIFY for all events since the last
// one. Polling finds the events of a failed NOTIFY.
//
// Threads: any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "address.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

/// NOTIFY's channel; the payload names the schema.
[[nodiscard]] std::string channel_of(const address& where);

class notifier {
 public:
  explicit notifier(const address& where) : where_{where} {}
  ~notifier();
  notifier(const notifier&) = delete;
  notifier& operator=(const notifier&) = delete;

  /// Events were committed. The first call starts the thread.
  void appended();

 private:
  void run();
  void tell(std::unique_ptr<class connection>& on);

  const address& where_;
  std::atomic<bool> news_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::once_flag started_;
  std::thread thread_;
};

}}}  // namespace nexus::v0::postgres
