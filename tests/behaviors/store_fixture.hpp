// Entities on each kind of journal, with faults at hand.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nexus/nexus.hpp>
#include <nexus/sqlite.hpp>
#include <nexus/testkit/faulty.hpp>
#include <string>
#include <thread>

#include "contract/strands_journal.hpp"
#include "temporary_folder.hpp"

namespace nexus::test {

/// The parameter is "memory", "sqlite", or "strands": a journal of three strands.
class store_fixture : public testing::TestWithParam<const char*> {
  std::string make_uri() const {
    const std::string scheme = GetParam();
    return scheme == "sqlite" ? "sqlite:" + folder_.path("test.db") : scheme + ":";
  }
  temporary_folder folder_;

 protected:
  std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
  nexus::system sys{{.threads = 2}};
  const std::string uri = make_uri();
  result<store> journal = nexus::open(
      uri, {testkit::faulty(memory_backend(), faults), testkit::faulty(sqlite_backend(), faults),
            testkit::faulty(strands_backend(3), faults)});

  std::unique_ptr<journal_session> session() const { return *journal->open_session(); }

  static bool eventually(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (std::chrono::steady_clock::now() < end) {
      if (holds()) return true;
      std::this_thread::yield();
    }
    return false;
  }
};

inline auto journals() { return testing::Values("memory", "sqlite"); }
inline auto journals_and_strands() { return testing::Values("memory", "sqlite", "strands"); }
inline std::string journal_name(const testing::TestParamInfo<const char*>& info) {
  return info.param;
}

}
