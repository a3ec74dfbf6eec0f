// Processes that run alarms of one database are killed, or stopped for longer than their heartbeat
// may pause, at random moments: every alarm is run once all the same.
//   NEXUS_SEED=n   the same moments again, as far as the machine repeats itself
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <deque>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>

#include "alarm_reads.hpp"
#include "interrupting.hpp"
#include "kinds_of_database.hpp"
#include "samples/kill_support.hpp"
#include "samples/process.hpp"
#include "ticker.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nexus;
using namespace nexus::test;
using samples::process;
using testkit::must;

constexpr auto patience = 120s;
// Alarms that are a minute overdue run in any process, whatever is known of the one they belong to.
constexpr auto patience_for_takeover = 50s;

/// A process, which says first by which id it writes.
class runner {
 public:
  runner(std::string name, samples::command_line line)
      : name_{std::move(name)}, line_{std::move(line)} {
    start();
  }

  void start() { is_ = std::make_unique<process>(line_); }
  process& operator*() const { return *is_; }
  process* operator->() const { return is_.get(); }

  /// Of its connections to PostgreSQL.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Empty if it has not said so yet.
  [[nodiscard]] std::string writer() const {
    std::istringstream words{is_->out().substr(0, is_->out().rfind('\n') + 1)};
    std::string word;
    std::string id;
    words >> word >> id;
    return id;
  }

 private:
  std::string name_;
  samples::command_line line_;
  std::unique_ptr<process> is_;
};

class KilledAlarms : public testing::TestWithParam<kind_of_database> {
 protected:
  void run_two(const std::string& version) {
    for (int i = 0; i < 2; ++i) {
      const auto name = fmt::format("runner{}", i);
      const auto uri = in_.uri + (opened_.writers() == 1 ? "" : "&application_name=" + name);
      running_.emplace_back(name, samples::command_line{ALARMS_PROGRAM, uri, "run", version});
    }
  }

  std::int64_t count(const std::string& of) const {
    auto lent = must(opened_.sessions().borrow());
    return must(lent->query<std::int64_t>("SELECT count(*) FROM " + of)).front();
  }
  /// Of the tickers `name`.0, `name`.1 …
  std::int64_t ticks(const std::string& name) const {
    return count(
        fmt::format("nexus_event_journal WHERE event_type = 'ticked' AND persistence_id "
                    ">= 'ticker|{0}.' AND persistence_id < 'ticker|{0}/'",
                    name));
  }
  std::int64_t alarms() const { return count("nexus_alarms"); }
  std::int64_t alarms_of(const runner& one) const {
    return count("nexus_alarms WHERE writer_id = '" + one.writer() + "'");
  }
  detail::sweep_progress sweep() const {
    return must(detail::read_sweep(*must(opened_.open_session()), "ticker"));
  }

  template <class Condition>
  void wait_until(std::string_view what, Condition condition,
                  std::chrono::seconds at_most = patience) {
    nexus::test::wait_until(all(), what, at_most, [&] {
      std::this_thread::sleep_for(2ms);  // a test that asks all the time would hold them up
      return condition();
    });
  }
  void pause() { std::this_thread::sleep_for(std::chrono::microseconds{random_() % 100'000}); }

  processes all() const {
    processes made;
    for (const auto& one : running_) made.push_back(&*one);
    if (starter_) made.push_back(&**starter_);
    return made;
  }

  void start_tickers(const std::string& name, int ids, int each) {
    starter_.emplace("starter",
                     samples::command_line{ALARMS_PROGRAM, in_.uri, "start", std::to_string(ids),
                                           std::to_string(each), name});
    wait_until("they are not started", [&] { return (*starter_)->out().ends_with("started\n"); });
  }
  void kill_starter() {
    ASSERT_TRUE((*starter_)->kill()) << (*starter_)->err();
    starter_.reset();
  }

  void kill(runner& one) {
    ASSERT_TRUE(one->kill()) << one->err();
    one->wait();
    one.start();
  }
  void kill_one_or_both() {
    pause();
    auto& first = one_with_alarms();
    ASSERT_TRUE(first->kill()) << first->err();
    if (random_() % 3 == 0) {
      for (auto& one : running_) {
        if (&one != &first) kill(one);
      }
    }
    first->wait();
    first.start();
  }

  /// Mostly the one with most alarms.
  runner& one_with_alarms() {
    const bool second = alarms_of(running_[1]) > alarms_of(running_[0]);
    return running_[random_() % 4 == 0 ? 1 - second : second];
  }

  /// A stopped process must not hold locks: the others would wait for it instead of taking over.
  bool holds_nothing(const runner& stopped) const {
    if (opened_.writers() == 1) return can_write(opened_);
    return count(
               "pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND "
               "application_name = '" +
               stopped.name() + "'") == 0;
  }
  // All its alarms are run elsewhere before it goes on, with what it knew.
  void stop_one_until_its_alarms_are_taken_over() {
    runner* one = nullptr;
    wait_until("no process with alarms stops outside of a transaction", [&] {
      one = &one_with_alarms();
      pause();
      if (!(*one)->signal(SIGSTOP)) return false;
      wait_until("a process does not stop", [&] { return (*one)->has_stopped(); });
      if (holds_nothing(*one) && alarms_of(*one) != 0) return true;
      (*one)->signal(SIGCONT);
      return false;
    });
    if (HasFatalFailure()) return;
    wait_until(
        "its alarms are not taken over", [&] { return alarms_of(*one) == 0; },
        patience_for_takeover);
    pause();
    ASSERT_TRUE((*one)->signal(SIGCONT)) << (*one)->err();
  }

  void kill_all() {
    for (const auto& one : running_) ASSERT_TRUE(one->kill()) << one->err();
    for (const auto& one : running_) one->wait();
  }

  /// Its events are the start and the ticks 1 to `each`, none of them early.
  void expect_ticks(const std::string& id, std::int64_t each, bool in_time) {
    SCOPED_TRACE(id);
    std::vector<ticker<1>::event> events;
    auto session = must(opened_.open_session());
    must(session->replay(must(persistence_id::make("ticker", id)), 1, sequence_nr_max, SIZE_MAX,
                         [&](const record_view& record) {
                           events.push_back(must(decode_event<ticker<1>>(record.event)));
                           return true;
                         }));
    ASSERT_EQ(events.size(), static_cast<std::size_t>(each) + 1);
    const auto& start = std::get<ticker<1>::started>(events.front());
    auto before_us = start.at_us;
    for (std::int64_t n = 1; n <= each; ++n) {
      const auto& tick = std::get<ticker<1>::ticked>(events[static_cast<std::size_t>(n)]);
      EXPECT_EQ(tick.n, n);
      const auto due_us = before_us + (in_time ? 1'000 * start.pause_ms : 0);
      EXPECT_GE(tick.at_us, due_us) << "tick " << n << " is early";
      before_us = tick.at_us;
    }
  }

  const database in_ = GetParam().fresh();
  const store opened_ = must(nexus::open(in_.uri));
  std::mt19937_64 random_ = samples::random_source();
  std::deque<runner> running_;
  std::optional<runner> starter_;
};

TEST_P(KilledAlarms, TickersTickAsOftenAsWantedAndEachTickOnce) {
  constexpr int ids = 60;
  constexpr int each = 15;
  const int comparisons = samples::times(1, 100);
  run_two("1");
  for (int i = 0; i < comparisons && !HasFailure(); ++i) {
    SCOPED_TRACE("comparison " + std::to_string(i));
    const auto name = std::to_string(i);
    // At some number of ticks between two shares of all, in percent.
    const auto wait_for_ticks = [&](unsigned from, unsigned to) {
      const auto wanted = ids * each * static_cast<int>(from + random_() % (to - from)) / 100;
      wait_until("it does not go on", [&] { return ticks(name) >= wanted; });
    };
    start_tickers(name, ids, each);
    wait_for_ticks(0, 20);
    kill_starter();
    const bool stop_first = random_() % 2 == 0;
    for (const bool stop : {stop_first, !stop_first}) {
      if (stop == stop_first) {
        wait_for_ticks(30, 50);
      } else {
        wait_for_ticks(55, 80);
      }
      ASSERT_FALSE(HasFailure());
      if (stop) {
        stop_one_until_its_alarms_are_taken_over();
      } else {
        kill_one_or_both();
      }
      ASSERT_FALSE(HasFailure());
    }
    wait_until("not all are over", [&] { return alarms() == 0; });
    for (int n = 0; n < ids; ++n) expect_ticks(fmt::format("{}.{}", name, n), each, true);
  }
  kill_all();
  EXPECT_EQ(count("nexus_event_journal"), comparisons * ids * (each + 1)) << "and no more";
  EXPECT_EQ(alarms(), 0);
}

TEST_P(KilledAlarms, ASweepRunsEveryIdOnce) {
  constexpr int ids = 520;  // two pages and a bit
  {
    nexus::system sys{{.threads = 2}};
    const entities<ticker<1>> tickers{sys, opened_};
    std::deque<asked<void>> answers;
    for (int i = 0; i < ids; ++i) {
      const auto to = tickers.of(fmt::format("swept.{}", i));
      answers.push_back(to.ask(ticker<1>::start{1, std::chrono::milliseconds{240h}.count()}));
    }
    for (auto& one : answers) must(one.get(60s));
  }
  ASSERT_EQ(alarms(), ids);
  run_two("2");
  const int kills = samples::times(2, 20);
  int midway = 0;
  for (int k = 0; k < kills && ticks("swept") < ids; ++k) {
    const auto tenths = 10 * k + 1 + static_cast<int>(random_() % 8);
    const auto wanted = ids * tenths / (10 * kills);
    wait_until("the sweep does not go on", [&] { return ticks("swept") >= wanted; });
    ASSERT_FALSE(HasFailure());
    const auto by = sweep().writer.to_string();
    const bool second = running_[1].writer() == by;
    kill(running_[random_() % 4 == 0 ? 1 - second : second]);
    midway += ticks("swept") < ids ? 1 : 0;
  }
  EXPECT_GT(midway, 0) << "the sweep was over before";
  wait_until("the sweep does not end", [&] { return sweep().done && alarms() == 0; });
  ASSERT_FALSE(HasFailure());
  kill_all();
  EXPECT_EQ(sweep().version, 2u);
  for (int i = 0; i < ids; ++i) expect_ticks(fmt::format("swept.{}", i), 1, false);
  EXPECT_EQ(count("nexus_event_journal"), 2 * ids);
}

INSTANTIATE_TEST_SUITE_P(Postgres, KilledAlarms, testing::Values(on_postgres), name_of_kind);
INSTANTIATE_TEST_SUITE_P(Sqlite, KilledAlarms, testing::Values(on_sqlite), name_of_kind);

}  // namespace
