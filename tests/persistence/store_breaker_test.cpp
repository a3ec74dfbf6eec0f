// The circuit breaker of a store whose storage is down.
#include <future>
#include <nexus/document_storage.hpp>

#include "store_fixture.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using testkit::fault;
using testkit::operation;

namespace {

struct StoreBreaker : nexus::test::Store {
  /// A job that never reaches the storage if the breaker is open.
  envelope other(write_job::step todo) {
    auto made = job("other");
    made.as<write_job>().todo = todo;
    made.as<write_job>().save = std::make_unique<write_job::saving>();
    return made;
  }
  static const error& why(const append_outcome& outcome) { return std::get<failed>(outcome).why; }
};

constexpr auto never = std::chrono::hours{1};

TEST_F(StoreBreaker, AfterFailuresInARowTheStorageIsLeftAlone) {
  auto s = open({.breaker_failures = 3, .breaker_reset = never});
  faults->inject(fault::fail, operation::append, faults->forever);
  for (int i = 0; i < 3; ++i) (void)through(s, job("one"));
  EXPECT_EQ(s.breaker().now, circuit::open);

  const auto& refused = through(s, job("one"));
  EXPECT_EQ(why(refused.outcome).code, errc::unavailable);
  EXPECT_TRUE(why(refused.outcome)
                  .message.starts_with("the journal's circuit breaker is open after 3 failures in "
                                       "a row: faulty store: the append of t|one"))
      << why(refused.outcome).message;
  auto state = job("one");
  state.as<write_job>().of_state = true;
  EXPECT_EQ(why(through(s, state).outcome).code, errc::unavailable);
  EXPECT_EQ(through(s, other(write_job::step::settle)).settled.error(), why(refused.outcome));
  EXPECT_EQ(through(s, other(write_job::step::save_snapshot)).save->saved.error(),
            why(refused.outcome));
  EXPECT_EQ(s.read([](journal_session&) -> result<void> {
               ADD_FAILURE() << "called";
               return {};
             }).error(),
            why(refused.outcome));
  EXPECT_EQ(faults->calls(operation::append), 3u);
  EXPECT_EQ(faults->calls(operation::settle), 0u);
  EXPECT_EQ(faults->calls(operation::save), 0u);
}

TEST_F(StoreBreaker, ClosesWhenTheStorageWorksAgain) {
  auto s = open({.breaker_failures = 2, .breaker_reset = 0ms});
  faults->inject(fault::lose_request, operation::append, 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::holds_alternative<unknown>(through(s, job("one")).outcome)) << i;
  }
  EXPECT_EQ(s.breaker().now, circuit::open);
  EXPECT_EQ(s.breaker().failures, 3u);
  EXPECT_TRUE(std::holds_alternative<stored>(through(s, job("one")).outcome));
  EXPECT_EQ(s.breaker().now, circuit::closed);
  EXPECT_EQ(s.breaker().openings, 1u);
}

TEST_F(StoreBreaker, AnyCallOfWritersAndReadersCounts) {
  auto s = open({.readers = 1, .breaker_failures = 4, .breaker_reset = never});
  faults->inject(fault::fail, operation::settle);
  faults->inject(fault::fail, operation::save);
  faults->inject(fault::fail, operation::append);
  (void)through(s, other(write_job::step::settle));
  (void)through(s, other(write_job::step::save_snapshot));
  (void)through(s, job("one"));
  EXPECT_EQ(s.breaker().failures, 3u);
  std::promise<void> seen;
  ASSERT_TRUE(s.read([](journal_session&) -> result<void> {
    return fail(errc::unavailable, "the disk is on fire");
  }));
  auto after = s.read([&](journal_session&) {
    seen.set_value();
    return result<void>{};
  });
  if (after) {  // or the breaker was open already
    seen.get_future().wait();
    after = s.read([](journal_session&) { return result<void>{}; });
  }
  EXPECT_EQ(after.error(), (error{errc::unavailable,
                                  "the journal's circuit breaker is open after "
                                  "4 failures in a row: the disk is on fire"}));
  EXPECT_EQ(s.breaker().now, circuit::open);
}

TEST_F(StoreBreaker, RefusalsOfTheStorageAreNoTrouble) {
  auto s = open({.breaker_failures = 2, .breaker_reset = never});
  for (auto refusal : {fault::conflict, fault::reject}) {
    faults->inject(refusal, operation::append, 2);
    faults->inject(refusal, operation::settle, 2);
    for (int i = 0; i < 2; ++i) (void)through(s, job("one"));
    for (int i = 0; i < 2; ++i) (void)through(s, other(write_job::step::settle));
  }
  EXPECT_EQ(s.breaker().now, circuit::closed);
  EXPECT_EQ(s.breaker().failures, 0u);
}

TEST_F(StoreBreaker, ABatchWithOneAnswerIsNoTrouble) {
  auto s = open({.breaker_failures = 1, .breaker_reset = never});
  faults->decide([](operation, const persistence_id& id) {
    return id.id() == "lucky" ? std::nullopt : std::optional{fault::fail};
  });
  hold_with(s, job("lucky"));
  for (auto name : {"a", "b"}) write(s, job(name));
  write(s, job("lucky", 1));
  release();
  ASSERT_TRUE(wait_for(4));
  EXPECT_EQ(count<failed>(), 2u);
  EXPECT_EQ(s.breaker().now, circuit::closed);
}

TEST_F(StoreBreaker, ReadsThatWaitedWhileItOpenedAreRefusedByTheirSession) {
  auto s = open({.readers = 1, .breaker_failures = 1, .breaker_reset = never});
  std::promise<void> opened;
  std::promise<result<sequence_nr>> second;
  ASSERT_TRUE(s.read([go = opened.get_future().share()](journal_session&) -> result<void> {
    go.wait();
    return fail(errc::unavailable, "the disk is on fire");
  }));
  result<std::optional<stored_document>> row;
  ASSERT_TRUE(s.read([&](journal_session& session) {
    row = session.documents()->get("orders", "1");
    second.set_value(session.highest(*persistence_id::make("t", "one")));
    return result<void>{};
  }));
  opened.set_value();
  auto answer = second.get_future().get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::unavailable);
  EXPECT_EQ(row.error(), answer.error());
  EXPECT_EQ(faults->calls(operation::read), 0u);
}

}  // namespace
