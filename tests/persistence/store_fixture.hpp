// A store on a faulty memory journal, and a mailbox for finished jobs.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <nexus/detail/write_job.hpp>
#include <nexus/memory.hpp>
#include <nexus/store.hpp>
#include <nexus/system.hpp>
#include <nexus/testkit/faulty.hpp>

namespace nexus::test {

using namespace std::chrono_literals;
using testkit::fault;
using testkit::operation;

/// Collects the finished jobs.
struct collector final : actor {
  explicit collector(std::vector<envelope>& d, std::mutex& l, std::condition_variable& c)
      : done{d}, lock{l}, changed{c} {}
  void started(const mailbox&) override {}
  verdict receive(envelope m) override {
    std::lock_guard guard{lock};
    done.push_back(std::move(m));
    changed.notify_all();
    return verdict::go_on;
  }
  std::vector<envelope>& done;
  std::mutex& lock;
  std::condition_variable& changed;
};

struct Store : testing::Test {
  using write_job = nexus::detail::write_job;
  using retention = nexus::detail::retention;
  static void write(const store& in, const envelope& job) { nexus::detail::write(in, job); }

  const std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
  std::vector<envelope> done;
  std::mutex lock;
  std::condition_variable changed;
  nexus::system sys{{.threads = 2}};
  mailbox collecting = sys.spawn(std::make_unique<collector>(done, lock, changed));

  // The jobs hold the collector and the collector keeps the jobs: break the cycle.
  void TearDown() override {
    std::lock_guard guard{lock};
    done.clear();
    collecting = {};
  }

  store open(store_options options = {}) {
    return *nexus::open("memory:", {testkit::faulty(memory_backend(), faults)}, options);
  }
  envelope job(std::string_view id, sequence_nr expected = 0, std::size_t events = 1) {
    auto* made = new write_job{77, *persistence_id::make("t", id)};
    made->reply_to = collecting;
    made->expected = expected;
    made->events = std::make_unique<nexus::detail::event_batch>();
    for (std::size_t i = 0; i < events; ++i) {
      event_view e;
      e.type = "e";
      e.data = "12345678";
      made->events->add(e);
    }
    return envelope{made};
  }
  [[nodiscard]] bool wait_for(std::size_t n) {
    std::unique_lock guard{lock};
    return changed.wait_for(guard, 10s, [&] { return done.size() >= n; });
  }
  /// Writes `first` and holds its commit.
  void hold_with(const store& s, const envelope& first) {
    const auto before = faults->calls(operation::append);
    faults->hold(operation::append);
    write(s, first);
    EXPECT_TRUE(faults->wait_for(operation::append, before + 1));
  }
  void release() { faults->release(operation::append); }

  /// Runs `job` alone.
  write_job& through(const store& s, const envelope& job) {
    const auto before = done.size();
    write(s, job);
    EXPECT_TRUE(wait_for(before + 1));
    return job.as<write_job>();
  }
  template <class Outcome>
  std::size_t count() {
    std::size_t n = 0;
    for (auto& one : done) n += std::holds_alternative<Outcome>(one.as<write_job>().outcome);
    return n;
  }
};

}  // namespace nexus::test
