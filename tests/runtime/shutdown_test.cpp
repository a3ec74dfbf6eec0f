// Ordered shutdown, with scripted participants.
#include "nexus/shutdown.hpp"

#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <nexus/system.hpp>
#include <string>
#include <thread>
#include <vector>

#include "shutdown_sequence.hpp"

using namespace nexus;
using namespace std::chrono_literals;

namespace {

using stage = shutdown_participant::stage;
using names = std::vector<std::string>;

struct part final : shutdown_participant {
  part(std::string n, std::string above, names& log) : name_{n}, parent_{above}, log_{log} {}

  stage of() const override { return stage_; }
  std::string name() const override { return name_; }
  std::string parent() const override { return parent_; }
  void stop_admitting() override { log_.push_back("refuse " + name_); }
  bool is_quiet() override { return quiet(); }
  std::uint64_t admitted() override { return admitted_; }
  void stop() override {
    log_.push_back("stop " + name_);
    if (stops_at_once) left.clear();
  }
  std::vector<std::string> remaining() override { return left; }

  std::string name_, parent_;
  names& log_;
  stage stage_ = stage::work;
  std::function<bool()> quiet = [] { return true; };
  std::uint64_t admitted_ = 0;
  bool stops_at_once = true;
  names left{name_};
};

struct Shutdown : testing::Test {
  part& add(std::string name, std::string parent = {}, stage of = stage::work) {
    auto& made = parts.emplace_back(std::make_shared<part>(name, parent, log));
    made->stage_ = of;
    sequence.join(made);
    return *made;
  }

  // Until `looks_left` is used up; `between` runs after each look.
  shutdown_report run(int looks) {
    looks_left = looks;
    return sequence.run([&](const std::function<bool()>& holds) {
      while (!holds()) {
        if (--looks_left <= 0) return false;
        between();
      }
      return true;
    });
  }

  names log;
  std::deque<std::shared_ptr<part>> parts;
  shutdown_sequence sequence;
  int looks_left = 0;
  std::function<void()> between = [] {};
};

}  // namespace

TEST_F(Shutdown, WorkIsRefusedAndFinishedAndFlushedBeforeAnythingStops) {
  add("db", "", stage::storage).quiet = [&] {
    log.emplace_back("look db");
    return true;
  };
  add("a").quiet = [&] {
    log.emplace_back("look a");
    return true;
  };
  add("b");
  auto report = run(100);
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(report.drained);
  EXPECT_EQ(log, (names{"refuse a", "refuse b", "look a", "look a", "look db", "look db", "stop a",
                        "stop b", "refuse db", "stop db"}));
}

TEST_F(Shutdown, NothingStopsBeforeTheWritersAreFlushed) {
  int looks = 0;
  add("a");
  add("db", "", stage::storage).quiet = [&] { return ++looks > 5; };
  between = [&] {
    if (looks > 5) return;
    EXPECT_EQ(log, (names{"refuse a"}));
  };
  EXPECT_TRUE(run(100).drained);
  EXPECT_GT(looks, 5);
}

TEST_F(Shutdown, ChildrenStopBeforeTheirParents) {
  // Added from the top; a leaf and a middle one take some time.
  add("top");
  auto& left = add("left", "top");
  add("right", "top");
  auto& leaf = add("leaf", "left");
  add("other leaf", "left");
  leaf.stops_at_once = left.stops_at_once = false;
  int looks = 0;
  between = [&] {
    if (++looks == 5) {
      EXPECT_EQ(log.back(), "stop other leaf") << "left waits for leaf";
      leaf.left.clear();
    }
    if (looks == 10) {
      EXPECT_EQ(log.back(), "stop left") << "top waits for left";
      left.left.clear();
    }
  };
  EXPECT_TRUE(run(100).complete());
  log.erase(log.begin(), log.begin() + 5);
  EXPECT_EQ(log, (names{"stop right", "stop leaf", "stop other leaf", "stop left", "stop top"}));
}

TEST_F(Shutdown, ACycleAndAnUnknownParentDoNotPreventAStop) {
  add("a", "b");
  add("b", "c");
  add("c", "a");
  add("self", "self");
  add("orphan", "unknown");
  add("hangs on a cycle", "a").stops_at_once = false;
  between = [&] { parts.back()->left.clear(); };
  EXPECT_TRUE(run(100).complete());
  EXPECT_EQ(log.back(), "stop a") << "which has a child outside the cycle";
  EXPECT_EQ(log.size(), 12u);
}

TEST_F(Shutdown, AMemberThatMissesTheDeadlineIsListedOnceAndTheRestBeginInOrder) {
  add("db", "", stage::storage).stops_at_once = false;
  auto& slow = add("slow");
  add("parent of slow").left = {};
  slow.parent_ = "parent of slow";
  slow.stops_at_once = false;
  slow.left = {"slow|1", "slow|2", "slow|1", "db"};
  add("fast");
  auto report = run(10);
  EXPECT_FALSE(report.complete());
  EXPECT_TRUE(report.drained);
  EXPECT_EQ(report.missed, (names{"slow|1", "slow|2", "db"}));
  EXPECT_EQ(names(log.begin() + 3, log.end()),
            (names{"stop slow", "stop fast", "stop parent of slow", "refuse db", "stop db"}));
}

TEST_F(Shutdown, WorkThatIsNeverDoneDoesNotKeepTheRestFromStopping) {
  add("busy").quiet = [] { return false; };
  add("db", "", stage::storage);
  auto report = run(10);
  EXPECT_TRUE(report.complete()) << "all has stopped";
  EXPECT_FALSE(report.drained) << "and not all was finished before";
  EXPECT_EQ(log, (names{"refuse busy", "stop busy", "refuse db", "stop db"}));
}

TEST_F(Shutdown, WithoutAnyTimeAllIsBegunInOrder) {
  add("top").stops_at_once = false;
  add("leaf", "top").stops_at_once = false;
  add("db", "", stage::storage);
  auto report = run(0);
  EXPECT_EQ(report.missed, (names{"leaf", "top"}));
  EXPECT_FALSE(report.drained);
  EXPECT_EQ(log,
            (names{"refuse top", "refuse leaf", "stop leaf", "stop top", "refuse db", "stop db"}));
}

// a is looked at before b. In every look b's work has just led to work at a, and vice versa, so
// that each is quiet whenever it is asked.
TEST_F(Shutdown, WorkThatSlipsFromOneToAnotherBetweenLooksIsWaitedFor) {
  int hops = 20;
  auto& a = add("a");
  auto& b = add("b");
  bool at_a = false;
  b.quiet = [&] {
    // The work moves from b to a, which has been looked at, just before b is asked.
    if (hops > 0 && !at_a) {
      at_a = true;
      ++a.admitted_;
    }
    return true;
  };
  a.quiet = [&] {
    if (at_a && hops > 0) {
      at_a = false;
      --hops;
      ++b.admitted_;
    }
    return true;
  };
  EXPECT_TRUE(run(1'000).drained);
  EXPECT_EQ(hops, 0);
}

TEST_F(Shutdown, QuietAgainWithMoreAdmittedIsNotQuiet) {
  auto& a = add("a");
  int looks = 0;
  a.quiet = [&] { return ++looks % 2 == 1 || looks > 6; };  // at first never quiet twice in a row
  EXPECT_TRUE(run(100).drained);
  EXPECT_EQ(looks, 8);
}

TEST_F(Shutdown, AParticipantThatJoinsMeanwhileIsToldAtOnceAndStopsToo) {
  add("a").quiet = [&] { return parts.size() > 1; };
  between = [&] {
    if (parts.size() > 1) return;
    add("late", "a");
    EXPECT_EQ(log.back(), "refuse late");
    add("late db", "", stage::storage);
    EXPECT_EQ(log.back(), "refuse late") << "it is still needed";
  };
  EXPECT_TRUE(run(100).complete());
  EXPECT_EQ(log, (names{"refuse a", "refuse late", "stop late", "stop a", "refuse late db",
                        "stop late db"}));
}

TEST_F(Shutdown, ParticipantsMayGoWhileItIsLookedAtThem) {
  add("busy").quiet = [] { return false; };
  add("stuck").stops_at_once = false;
  add("parent");
  parts[1]->parent_ = "parent";
  int looks = 0;
  between = [&] {
    ++looks;
    if (looks == 3) parts.pop_front();
    if (looks == 8) parts.pop_front();
  };
  EXPECT_TRUE(run(100).complete());
  EXPECT_EQ(log.back(), "stop parent");
}

TEST_F(Shutdown, ASecondShutdownWaitsForTheRestAndBeginsNoMemberTwice) {
  auto& slow = add("slow");
  slow.stops_at_once = false;
  EXPECT_EQ(run(3).missed, (names{"slow"}));
  EXPECT_EQ(run(0).missed, (names{"slow"}));
  between = [&] { slow.left.clear(); };
  EXPECT_TRUE(run(10).complete());
  EXPECT_TRUE(run(0).complete());
  EXPECT_EQ(log, (names{"refuse slow", "stop slow"}));
}

TEST(SystemShutdown, TakesItsTimeFromTheSystem) {
  nexus::system sys{{.threads = 1}};
  EXPECT_TRUE(sys.shutdown(0s).complete()) << "there is no participant";
  names log;
  auto slow = std::make_shared<part>("slow", "", log);
  slow->stops_at_once = false;
  sys.join(slow);
  auto report = sys.shutdown(5ms);
  EXPECT_EQ(report.missed, (names{"slow"}));
  EXPECT_GE(report.took, 5ms);
  slow->left.clear();
  EXPECT_TRUE(sys.shutdown(1h).complete());
}

TEST(SystemShutdown, ManyMayJoinAndGoWhileItRuns) {
  nexus::system sys{{.threads = 1}};
  std::atomic<bool> over{false};
  std::vector<std::jthread> others;
  for (int t = 0; t < 3; ++t) {
    others.emplace_back([&] {
      names log;
      while (!over) {
        auto one = std::make_shared<part>("short", "", log);
        sys.join(one);
        // The run may be its last owner: the log must outlive it.
        std::weak_ptr<part> gone = one;
        one.reset();
        while (!gone.expired()) std::this_thread::yield();
      }
    });
  }
  for (int i = 0; i < 50; ++i) (void)sys.shutdown(100us);
  over = true;
}

TEST(SystemOf, FindsTheFirstThatLives) {
  caf::actor_system_config config;
  caf::actor_system theirs{config};
  EXPECT_EQ(nexus::system::of(theirs), nullptr);
  auto first = std::make_unique<nexus::system>(theirs);
  nexus::system second{theirs};
  nexus::system other{{.threads = 1}};
  EXPECT_EQ(nexus::system::of(theirs), first.get());
  EXPECT_EQ(nexus::system::of(other.caf()), &other);
  first.reset();
  EXPECT_EQ(nexus::system::of(theirs), &second);
}
