// The faulty store injects exactly the requested faults.
#include <gtest/gtest.h>

#include <nexus/memory.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <nexus/testkit/faulty.hpp>
#include <thread>

using namespace nexus;
using namespace nexus::testkit;
using namespace std::chrono_literals;

namespace {

struct Faulty : testing::Test {
  const persistence_id alice = "account|alice"_id;
  const persistence_id bob = "account|bob"_id;
  const persistence_id carol = "account|carol"_id;

  const std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
  const std::shared_ptr<journal> store =
      must(faulty(memory_backend(), faults).open(must(uri::parse("memory:"))));
  terse_session session{must(store->open_session())};
  terse_session other{must(store->open_session())};

  static std::string kind(const std::string& told) { return told.substr(0, told.find(':')); }
  std::string append(const persistence_id& id, sequence_nr expected = 0) {
    return kind(session.append(id, expected, {"a"}));
  }
};

TEST_F(Faulty, EveryFaultOfAnAppendHasItsOutcome) {
  struct row {
    fault what;
    std::string outcome;
    bool done;
  };
  for (const auto& [what, outcome, done] :
       {row{fault::fail, "failed", false}, row{fault::reject, "rejected invalid_argument", false},
        row{fault::conflict, "conflict 1", false}, row{fault::lose_answer, "unknown", true},
        row{fault::lose_request, "unknown", false}}) {
    auto id = must(persistence_id::make("t", std::to_string(static_cast<int>(what))));
    ASSERT_EQ(append(id), "stored");
    faults->inject(what, operation::append);
    EXPECT_EQ(append(id, 1), outcome);
    EXPECT_EQ(session.highest(id), done ? 2u : 1u) << outcome;
    EXPECT_EQ(append(id, done ? 2 : 1), "stored") << "used up";
  }
}

TEST_F(Faulty, AFaultMayHaveAChosenCodeAndText) {
  const error slow{errc::timeout, "the disk is slow"};
  faults->inject({fault::fail, slow}, operation::append);
  EXPECT_EQ(session.append(alice, 0, {"a"}), "failed: the disk is slow");
  faults->inject({fault::reject, {errc::too_large, "one byte too many"}}, operation::append, alice);
  EXPECT_EQ(session.append(alice, 0, {"a"}), "rejected too_large");
  faults->inject({fault::lose_answer, slow}, operation::append);
  EXPECT_EQ(session.append(alice, 0, {"a"}), "unknown: the disk is slow");
  faults->inject({fault::conflict, slow}, operation::append);
  EXPECT_EQ(append(alice), "conflict 1");
  faults->inject({fault::fail, slow}, operation::read, 2);
  for (int i = 0; i < 2; ++i) {
    const auto read = session.inner().highest(alice);
    EXPECT_EQ(read.error().code, errc::timeout);
    EXPECT_EQ(read.error().message, "the disk is slow");
  }
  faults->decide([&](operation, const persistence_id&) -> std::optional<told_fault> {
    return told_fault{fault::fail, {errc::overloaded, "by policy"}};
  });
  EXPECT_EQ(session.inner().highest(alice).error().message, "by policy");
}

TEST_F(Faulty, AnUpsertIsAnAppend) {
  ASSERT_EQ(session.upsert(alice, 0, 5, "five"), "stored");
  faults->inject(fault::conflict, operation::append);
  faults->inject(fault::lose_answer, operation::append);
  EXPECT_EQ(session.upsert(alice, 5, 6, "six"), "conflict 5");
  EXPECT_EQ(kind(session.upsert(alice, 5, 6, "six")), "unknown");
  EXPECT_EQ(session.state(alice), "6:six");
}

TEST_F(Faulty, InABatchTheOthersAreDoneAsIfNothingWere) {
  ASSERT_EQ(append(carol), "stored");
  faults->inject(fault::lose_answer, operation::append, alice);
  faults->inject(fault::fail, operation::append, "account|dave"_id);
  auto outcomes = session.outcomes_of(std::vector<request>{{"account|dave"_id, 0, {"d"}},
                                                           {bob, 0, {"b"}},
                                                           {alice, 0, {"a"}},
                                                           {carol, 0, {"x"}},
                                                           {"account|eve"_id, 0, {"e"}}});
  ASSERT_EQ(outcomes.size(), 5u);
  EXPECT_EQ(kind(told(outcomes[0])), "failed");
  EXPECT_EQ(told(outcomes[1]), "stored");
  EXPECT_EQ(kind(told(outcomes[2])), "unknown");
  EXPECT_EQ(told(outcomes[3]), "conflict 1");
  EXPECT_EQ(told(outcomes[4]), "stored");
  EXPECT_EQ(session.ids("account"),
            (texts{"account|alice", "account|bob", "account|carol", "account|eve"}));
}

TEST_F(Faulty, FaultsOfAnIdLeaveOthersAlone) {
  faults->inject(fault::fail, operation::append, alice, 2);
  EXPECT_EQ(append(bob), "stored");
  EXPECT_EQ(append(alice), "failed");
  EXPECT_EQ(append(bob, 1), "stored");
  EXPECT_EQ(append(alice), "failed");
  EXPECT_EQ(append(alice), "stored");
}

TEST_F(Faulty, FaultsAreUsedInTheOrderOfInjection) {
  faults->inject(fault::fail, operation::append, 2);
  faults->inject(fault::reject, operation::append, faults->forever);
  EXPECT_EQ(append(alice), "failed");
  EXPECT_EQ(append(alice), "failed");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(append(alice), "rejected invalid_argument");
  faults->clear();
  EXPECT_EQ(append(alice), "stored");
}

TEST_F(Faulty, EveryKindOfCallCanGoWrong) {
  ASSERT_EQ(append(alice), "stored");
  auto& s = session.inner();
  request sent{alice, 0, {"a"}};
  const put state{alice, 0, 1, testkit::state("s")};
  snapshot_request saved{alice, snapshot(1, "s")};
  prune_request pruned{alice, 1, 1};
  auto sink = [](const record_view&) { return true; };
  auto code = [](const auto& r) { return r ? errc{} : r.error().code; };
  auto wrong = [&](operation of) { faults->inject(fault::fail, of); };
  auto expect_unavailable = [&](operation of, auto call) {
    wrong(of);
    EXPECT_EQ(code(call()), errc::unavailable);
    EXPECT_TRUE(call()) << "once";
  };
  using op = operation;
  expect_unavailable(op::settle, [&] { return s.settle(sent); });
  expect_unavailable(op::settle, [&] { return s.settle(state); });
  expect_unavailable(op::read, [&] { return s.highest(alice); });
  expect_unavailable(op::read, [&] { return s.replay(alice, 1, 9, 9, sink); });
  expect_unavailable(op::read, [&] { return s.replay_payloads(alice, 1, 9, 9, sink); });
  expect_unavailable(op::read, [&] { return s.load_snapshot(alice, {}); });
  expect_unavailable(op::read, [&] { return s.snapshot_numbers(alice, {}, 9); });
  expect_unavailable(op::read, [&] { return s.get_state(alice); });
  expect_unavailable(op::read, [&] { return s.ids({}, 9); });
  expect_unavailable(op::read, [&] { return s.state_ids({}, 9); });
  expect_unavailable(op::save, [&] { return s.save_snapshots({&saved, 1}); });
  expect_unavailable(op::erase, [&] { return s.prune({&pruned, 1}); });
  expect_unavailable(op::erase, [&] { return s.erase_to(alice, 1); });
  expect_unavailable(op::erase, [&] { return s.erase_snapshots(alice, {}); });
}

TEST_F(Faulty, AnotherCallsLostAnswerIsDoneAndARefusalSaysSo) {
  faults->inject(fault::lose_answer, operation::save);
  snapshot_request saved{alice, snapshot(3, "s")};
  EXPECT_FALSE(session.inner().save_snapshots({&saved, 1}));
  EXPECT_EQ(session.load(alice), "3:s");
  faults->inject(fault::reject, operation::erase);
  EXPECT_EQ(session.inner().erase_to(alice, 1).error().code, errc::invalid_argument);
  faults->inject(fault::conflict, operation::settle);
  EXPECT_EQ(session.inner().settle(put{alice, 0, 1}).error().code, errc::conflict);
}

TEST_F(Faulty, ACallThatAnswersForAllGoesWrongForAll) {
  session.save(alice, 1, "old");
  faults->inject(fault::lose_answer, operation::save, alice);
  faults->inject(fault::fail, operation::save, bob);
  std::vector<snapshot_request> batch{
      {alice, snapshot(2, "a")}, {bob, snapshot(2, "b")}, {carol, snapshot(2, "c")}};
  EXPECT_FALSE(session.inner().save_snapshots(batch));
  EXPECT_EQ(session.load(alice), "1:old") << "what fails is stronger than what is only not told";
  EXPECT_EQ(session.load(carol), "none");
  EXPECT_TRUE(session.inner().save_snapshots(batch)) << "both are used up";
}

TEST_F(Faulty, APolicyDecidesOnWhatNoFaultTakes) {
  faults->decide([&](operation of, const persistence_id& id) -> std::optional<fault> {
    if (of == operation::append && id == bob) return fault::fail;
    return std::nullopt;
  });
  faults->inject(fault::reject, operation::append);
  EXPECT_EQ(append(bob), "rejected invalid_argument");
  EXPECT_EQ(append(bob), "failed");
  EXPECT_EQ(append(alice), "stored");
  EXPECT_EQ(session.highest(bob), 0u);
  faults->decide(nullptr);
  EXPECT_EQ(append(bob), "stored");
}

TEST_F(Faulty, CallsAndTheirSizesAreCounted) {
  (void)session.append_all({{alice, 0, {"a"}}, {bob, 0, {"b"}}});
  (void)session.upsert(alice, 0, 1, "s");
  faults->inject(fault::fail, operation::append);
  (void)append(carol);
  EXPECT_EQ(faults->calls(operation::append), 3u);
  EXPECT_EQ(faults->batches(operation::append), (std::vector<std::size_t>{2, 1, 1}));
  EXPECT_EQ(faults->calls(operation::read), 0u);
  EXPECT_TRUE(faults->wait_for(operation::append, 3, 0ms));
  EXPECT_FALSE(faults->wait_for(operation::append, 4, 0ms));
}

TEST_F(Faulty, AHeldCallWaitsAndOtherKindsDoNot) {
  faults->hold(operation::append);
  std::string outcome;
  std::jthread writer{[&] { outcome = other.append(alice, 0, {"a"}); }};
  ASSERT_TRUE(faults->wait_for(operation::append, 1));
  EXPECT_EQ(session.highest(alice), 0u);
  faults->inject(fault::reject, operation::append);  // also for jobs that wait already
  faults->release(operation::append);
  writer.join();
  EXPECT_EQ(outcome, "rejected invalid_argument");
}

TEST_F(Faulty, ADelayedCallTakesThatLong) {
  faults->delay(operation::read, 20ms);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(session.highest(alice), 0u);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 20ms);
}

}  // namespace
