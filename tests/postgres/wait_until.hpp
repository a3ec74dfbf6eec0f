// Waits for an action of another process that cannot be observed otherwise.
#pragma once

#include <chrono>
#include <thread>

namespace nexus::test {

/// Whether `condition` became true within `limit`.
template <class Condition>
bool wait_until(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds{30}) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return true;
}

}  // namespace nexus::test
