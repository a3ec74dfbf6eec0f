// Processes that run one projection while another one writes are killed, or stopped for longer than
// their lease, at random moments: the report is the fold of the journal all the same.
//   NEXUS_SEED=n   the same moments again, as far as the machine repeats itself
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "interrupting.hpp"
#include "kinds_of_database.hpp"
#include "report.hpp"
#include "samples/kill_support.hpp"
#include "samples/process.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nexus;
using namespace nexus::test;
using samples::process;
using testkit::must;

constexpr auto patience = 120s;
constexpr auto lease = 1s;  // as in report_program.cpp
constexpr int ids = 40;

class KilledProjections : public testing::TestWithParam<kind_of_database> {
 protected:
  void SetUp() override {
    must(must(opened_.sessions().borrow())->execute(report_table));
    for (auto& one : counting_) start(one);
  }

  void start_writer() {
    writer_ = std::make_unique<process>(
        samples::command_line{REPORT_PROGRAM, in_.uri, "add", std::to_string(ids),
                              std::to_string(random_() % 1'000'000)});
  }
  void start(std::unique_ptr<process>& one) {
    one = std::make_unique<process>(samples::command_line{REPORT_PROGRAM, in_.uri, "count"});
  }

  std::int64_t events_reported() const {
    auto lent = must(opened_.sessions().borrow());
    return must(lent->query<std::int64_t>("SELECT CAST(coalesce(sum(events), 0) AS bigint) "
                                          "FROM report"))
        .front();
  }
  std::size_t owners() const {
    std::set<std::string> all;
    auto lent = must(opened_.sessions().borrow());
    for (const auto& one : must(lent->projections()->cells({"report", 1}))) all.insert(one.owner);
    return all.size();
  }

  template <class Condition>
  void wait_until(std::string_view what, Condition condition) {
    nexus::test::wait_until(all(), what, patience, condition);
  }
  void wait_for_progress(std::int64_t by) {
    const auto before = events_reported();
    wait_until("the report does not grow", [&] { return events_reported() >= before + by; });
  }
  void pause() { std::this_thread::sleep_for(std::chrono::microseconds{random_() % 100'000}); }

  static bool is(const process& one, std::string_view phase) {
    const auto& text = one.out();
    return text.size() > phase.size() && text.ends_with(std::string{phase} + "\n");
  }

  // Mostly one that works.
  std::unique_ptr<process>& victim() {
    const auto first = random_() % 2;
    const bool other = !is(*counting_[first], "running") && random_() % 4 != 0;
    return counting_[other ? 1 - first : first];
  }

  void kill_one() {
    pause();
    auto& one = victim();
    ASSERT_TRUE(one->kill()) << one->err();
    one->wait();
    start(one);
  }
  void kill_both() {
    pause();
    for (auto& one : counting_) ASSERT_TRUE(one->kill()) << one->err();
    for (auto& one : counting_) {
      one->wait();
      start(one);
    }
  }
  // It must be taken for dead before it goes on.
  void stop_one_for_longer_than_its_lease() {
    process* one = nullptr;
    wait_until("no projection runs outside of a transaction", [&] {
      for (const auto& each : counting_) {
        if (!is(*each, "running")) continue;
        one = each.get();
        pause();
        if (!one->signal(SIGSTOP)) return false;
        wait_until("a process does not stop", [&] { return one->has_stopped(); });
        if (can_write(opened_)) return true;
        one->signal(SIGCONT);
      }
      return false;
    });
    ASSERT_FALSE(HasFatalFailure());
    std::this_thread::sleep_for(lease + std::chrono::milliseconds{random_() % 1'000});
    wait_until("its cells are not taken over", [&] { return owners() == 1; });
    wait_for_progress(50);
    ASSERT_TRUE(one->signal(SIGCONT)) << one->err();
  }

  void interrupt(int round) {
    if (round % 4 == 3) {
      stop_one_for_longer_than_its_lease();
    } else if (random_() % 5 == 0) {
      kill_both();
    } else {
      kill_one();
    }
  }

  void expect_fold() {
    nexus::system sys{{.threads = 1}};
    projection<tally> last{sys, opened_, "report", count_in_report, {.lease = lease}};
    const auto done = last.caught_up(patience);
    ASSERT_TRUE(done) << done.error().message << "\n" << all_said(all());
    const auto counted = counted_in_report(opened_);
    EXPECT_EQ(told(counted), told(counted_in_journal(opened_)));
    EXPECT_EQ(counted.size(), std::size_t{ids});
  }

  processes all() const {
    processes made{writer_.get()};
    for (const auto& one : counting_) made.push_back(one.get());
    return made;
  }

  const database in_ = GetParam().fresh();
  const store opened_ = must(nexus::open(in_.uri));
  std::mt19937_64 random_ = samples::random_source();
  std::unique_ptr<process> writer_;
  std::unique_ptr<process> counting_[2];
};

TEST_P(KilledProjections, CountEachEventOnce) {
  const int comparisons = samples::times(1, 200);
  for (int i = 0; i < comparisons && !HasFailure(); ++i) {
    SCOPED_TRACE("comparison " + std::to_string(i));
    start_writer();
    for (int round = 0; round < 8 && !HasFailure(); ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      wait_for_progress(1);
      interrupt(round);
    }
    ASSERT_FALSE(HasFailure());
    wait_for_progress(100);
    ASSERT_TRUE(writer_->kill()) << writer_->err();
    auto& one = counting_[random_() % 2];
    ASSERT_TRUE(one->kill()) << one->err();
    expect_fold();  // the other one shares the work
    start(one);
  }
  std::cout << events_reported() << " events counted\n";
}

INSTANTIATE_TEST_SUITE_P(Postgres, KilledProjections, testing::Values(on_postgres), name_of_kind);
INSTANTIATE_TEST_SUITE_P(Sqlite, KilledProjections, testing::Values(on_sqlite), name_of_kind);

}  // namespace
