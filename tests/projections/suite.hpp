// The fixture of the tests of projections: a journal of tallies, and a report about them that counts
// every event, so that one which is handled twice or never shows.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <nexus/projection.hpp>
#include <nexus/testkit/faulty.hpp>
#include <string>
#include <thread>
#include <vector>

#include "behaviors/tally.hpp"
#include "report.hpp"
#include "temporary_folder.hpp"

namespace nexus::test {

using namespace std::chrono_literals;
using testkit::must;

inline constexpr auto patience = 60s;

/// A kind of journal, and of target.
struct projection_place {
  std::string name;
  std::function<std::string(const temporary_folder&)> fresh;
  std::vector<backend> backends;
  bool sql = true;         ///< the report is a SQL table
  bool documents = false;  ///< the report is a read model, stored together with the offset

  [[nodiscard]] bool exactly_once() const { return sql || documents; }

  friend void PrintTo(const projection_place& place, std::ostream* out) { *out << place.name; }
};

struct Projection : testing::TestWithParam<projection_place> {
  const temporary_folder folder;
  const std::string uri = GetParam().fresh(folder);
  const std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
  const store opened = open(faults);
  nexus::system sys{{.threads = 2}};
  entities<tally> tallies{sys, opened};

  // What the report says, if the target stores it nowhere.
  std::mutex lock;
  counted kept;

  [[nodiscard]] store open(std::shared_ptr<testkit::faults> with) const {
    std::vector<backend> all;
    for (const auto& one : GetParam().backends) all.push_back(testkit::faulty(one, with));
    return must(nexus::open(uri, all));
  }

  void SetUp() override {
    if (!GetParam().sql) return;
    run(report_table);
  }

  void run(const std::string& sql) const { run(opened, sql); }
  static void run(const store& at, const std::string& sql) {
    auto lent = must(at.sessions().borrow());
    must(lent->execute(sql));
  }

  void add(std::string_view id, std::int64_t n) const {
    must(tallies.of(id).ask(tally::add{n}).get(patience));
  }
  /// Many at once: every id gets 1, 2, … `count`.
  void add_many(int ids, int count) const {
    std::vector<asked<std::int64_t>> waiting;
    for (int n = 1; n <= count; ++n) {
      for (int i = 0; i < ids; ++i) {
        waiting.push_back(tallies.of("t" + std::to_string(i)).ask(tally::add{n}));
      }
    }
    for (auto& one : waiting) must(one.get(patience));
  }

  /// Counts an event in the report.
  result<void> count(session& on, const projected<tally>& e) {
    if (GetParam().sql) return count_in_report(on, e);
    if (GetParam().documents) return count_in_documents(on, e);
    std::lock_guard guard{lock};
    auto& [total, events] = kept[e.id];
    total += value_of(e.event);
    ++events;
    return {};
  }
  /// Removes what the report says, in a handler or on_rebuild.
  result<void> empty_report(session& on) {
    if (GetParam().sql) return on.execute("DELETE FROM report").map([](const auto&) {});
    if (GetParam().documents) {
      return read_models{on}.of<report_row>("report").remove_all().map([](auto) {});
    }
    std::lock_guard guard{lock};
    kept.clear();
    return {};
  }
  [[nodiscard]] std::uint64_t all_cells() const {
    return std::uint64_t{64} * must(opened.open_session())->strands();
  }
  auto counting() {
    return [this](session& on, const projected<tally>& e) { return count(on, e); };
  }

  /// As in "t0 6/3, t1 6/3": sum and number of events.
  std::string reported() { return reported(opened); }
  std::string reported(const store& at) {
    if (GetParam().sql) return told(counted_in_report(at));
    if (GetParam().documents) return told(counted_in_documents(at));
    std::lock_guard guard{lock};
    return told(kept);
  }
  /// The same from the journal.
  std::string stored() const { return told(counted_in_journal(opened)); }

  template <class P>
  static void catch_up(const P& p) {
    auto done = p.caught_up(patience);
    EXPECT_TRUE(done) << done.error().message;
  }

  template <class Condition>
  static bool wait_until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  template <class P>
  static bool becomes(const P& p, projection_phase phase) {
    return wait_until([&] { return p.status().phase == phase; });
  }
};

}  // namespace nexus::test
