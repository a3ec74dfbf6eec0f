// Waiting for processes that a test kills and stops.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <nexus/store.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "samples/process.hpp"

namespace nexus::test {

using processes = std::vector<samples::process*>;

inline std::string all_said(const processes& all) {
  std::string text;
  for (const auto* one : all) text += "-- a process\n" + one->out() + one->err();
  return text;
}

/// Waits until `condition` returns true, and reads what the processes write, so that none blocks.
/// It is a fatal failure if that takes longer than `patience`, or if a process ends.
template <class Condition>
void wait_until(const processes& all, std::string_view what, std::chrono::seconds patience,
                Condition condition) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << what << "\n" << all_said(all);
    for (auto* one : all) {
      ASSERT_FALSE(one->read_for(std::chrono::milliseconds{1}))
          << "ended by itself: " << one->wait() << one->err();
    }
  }
}

/// On SQLite a stopped process may hold the only lock: then everybody waits for it.
inline bool can_write(const store& in) {
  const auto session = testkit::must(in.open_session());
  if (in.writers() == 1) testkit::must(session->execute("PRAGMA busy_timeout = 200"));
  return session->begin(isolation::read_committed, false) && session->rollback();
}

}  // namespace nexus::test
