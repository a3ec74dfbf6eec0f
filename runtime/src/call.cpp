#include "nexus/call.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>

namespace nexus { inline namespace v0 {
namespace {

// Shared by the waiting thread and the answering one: either may be the last to use it.
struct waiter {
  std::mutex lock;
  std::condition_variable changed;
  bool done = false;
};

}  // namespace

bool call::wait_until(std::chrono::steady_clock::time_point until) {
  auto shared = std::make_shared<waiter>();
  on_answer([shared] {
    {
      std::lock_guard guard{shared->lock};
      shared->done = true;
    }
    shared->changed.notify_one();  // without the lock, which the woken thread takes first
  });
  std::unique_lock guard{shared->lock};
  return shared->changed.wait_until(guard, until, [&] { return shared->done; });
}

}}  // namespace nexus::v0
