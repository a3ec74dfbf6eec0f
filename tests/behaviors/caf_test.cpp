// Nexus beside CAF actors: on the program's own system, asked from the code of an actor.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <future>
#include <nexus/testkit/deterministic.hpp>

#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

/// A plain CAF actor that asks an entity in turn, and reports the answers.
class asking_actor : public caf::event_based_actor {
 public:
  asking_actor(caf::actor_config& config, const entities<tally>& tallies,
               std::promise<std::vector<std::int64_t>>& heard)
      : caf::event_based_actor{config}, tally_{tallies.of("a")}, heard_{heard} {}

  caf::behavior make_behavior() override {
    ask_next();
    // An event-based actor without a behavior would end before its answers come.
    return {[](int) {}};
  }

 private:
  void ask_next() {
    tally_.ask(tally::add{1}).then(this, [this](result<std::int64_t> r) {
      answers_.push_back(r ? *r : -1);
      if (answers_.size() < 3) return ask_next();
      heard_.set_value(answers_);
      quit();
    });
  }

  entity_ref<tally> tally_;
  std::promise<std::vector<std::int64_t>>& heard_;
  std::vector<std::int64_t> answers_;
};

/// Asks and quits at once.
class impatient_actor : public caf::event_based_actor {
 public:
  impatient_actor(caf::actor_config& config, const entities<tally>& tallies)
      : caf::event_based_actor{config}, tally_{tallies.of("a")} {}

  caf::behavior make_behavior() override {
    tally_.ask(tally::add{1}).then(this, [](result<std::int64_t>) { ADD_FAILURE(); });
    quit();
    return {[](int) {}};
  }

 private:
  entity_ref<tally> tally_;
};

}  // namespace

TEST(Caf, AnActorAsksAnEntityOnAnAdoptedSystem) {
  caf::actor_system_config config;
  caf::actor_system theirs{config};
  nexus::system sys{theirs};
  auto journal = nexus::open("memory:");
  ASSERT_TRUE(journal);
  entities<tally> tallies{sys, *journal};
  std::promise<std::vector<std::int64_t>> heard;
  auto answers = heard.get_future();
  theirs.spawn<asking_actor>(tallies, heard);
  ASSERT_EQ(answers.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(answers.get(), (std::vector<std::int64_t>{1, 2, 3}));
}

TEST(Caf, AnActorThatEndedIsNotAnswered) {
  nexus::system sys{{.threads = 2}};
  auto journal = nexus::open("memory:");
  ASSERT_TRUE(journal);
  entities<tally> tallies{sys, *journal};
  {
    caf::scoped_actor self{sys.caf()};
    auto a = sys.caf().spawn<impatient_actor>(tallies);
    self->wait_for(a);
  }
  EXPECT_EQ(tallies.of("a").ask(tally::read{}).get(10s), 1) << "the command itself was handled";
}

TEST(Caf, AnActorOfASteppedSystemIsAnsweredByStepping) {
  testkit::deterministic_system det;
  auto journal = det.open("memory:");
  ASSERT_TRUE(journal);
  entities<tally> tallies{det, *journal};
  std::promise<std::vector<std::int64_t>> heard;
  auto answers = heard.get_future();
  det.sys().caf().spawn<asking_actor>(tallies, heard);
  EXPECT_EQ(answers.wait_for(0s), std::future_status::timeout);
  det.drain();
  ASSERT_EQ(answers.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(answers.get(), (std::vector<std::int64_t>{1, 2, 3}));
}

// Idleness, deadlines and the ordered shutdown need only the program's scheduler.
TEST(Caf, EntitiesComeAndGoOnAnAdoptedSystem) {
  caf::actor_system_config config;
  caf::actor_system theirs{config};
  nexus::system sys{theirs};
  ASSERT_EQ(nexus::system::of(theirs), &sys);
  auto journal = nexus::open("memory:");
  ASSERT_TRUE(journal);
  entities<tally> tallies{sys, *journal, {.passivate_after = 1ms}};
  EXPECT_EQ(tallies.of("a").ask(tally::add{1}, 10s).get(), 1);
  EXPECT_EQ(tallies.of("a").watch().get(10s).value_or(ending::passivated), ending::passivated);
  EXPECT_EQ(tallies.of("a").ask(tally::add{1}, 10s).get(), 2);
  const auto report = sys.shutdown(10s);
  EXPECT_TRUE(report.complete()) << report.missed.size();
  EXPECT_TRUE(report.drained);
  EXPECT_EQ(tallies.of("a").ask(tally::add{1}, 10s).get().error().code, errc::stopped);
}
