// Streams into CAF actors: bounded by the actor's own pace.
#include <atomic>
#include <caf/all.hpp>
#include <nexus/events.hpp>
#include <nexus/testkit/contract/terse_session.hpp>

#include "scripted_actor.hpp"
#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using testkit::fault;
using testkit::must;
using testkit::operation;

namespace {

using event = event_of<tally>;
using fed = result<std::optional<event>>;

struct Feed : store_fixture {
  entities<tally> tallies{sys, *journal};
  const events<tally> all{*journal};
  feed feeding;  // outlives the actor

  void add(std::string_view id, std::int64_t count) {
    tally::add_each each;
    for (std::int64_t n = 1; n <= count; ++n) each.ns.push_back(n);
    ASSERT_TRUE(tallies.of(id).ask(std::move(each)).get(10s));
  }
  caf::actor run(scripted_actor::body body) {
    return sys.caf().spawn<scripted_actor>(std::move(body));
  }
  void stop(const caf::actor& a) {
    caf::scoped_actor self{sys.caf()};
    self->send_exit(a, caf::exit_reason::user_shutdown);
    self->wait_for(a);
  }
};

}  // namespace

TEST_P(Feed, PassesEventsAsMessagesOfTheActorUpToTheEnd) {
  add("a", 100);
  std::vector<sequence_nr> numbers;
  std::promise<std::vector<sequence_nr>> told;
  auto a = run([&](caf::event_based_actor* self) {
    feeding = must(all.current())
                  .to(self,
                      [&, self](fed r) {
                        if (*r) return numbers.push_back((*r)->number);
                        told.set_value(numbers);
                        self->quit();
                      },
                      {.credit = 3});
  });
  const auto all_numbers = heard(told);
  ASSERT_EQ(all_numbers.size(), 100u);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(all_numbers[i], i + 1);
  wait_for_end(sys.caf(), a);
}

TEST_P(Feed, SendsNoMoreThanItsCreditAhead) {
  add("a", 50);
  std::promise<void> go;
  std::promise<void> in;
  std::atomic<int> handled{0};
  auto a = run([&](caf::event_based_actor* self) {
    feeding = must(all.live())
                  .to(self,
                      [&, gone = go.get_future().share()](fed) {
                        if (++handled == 1) {
                          in.set_value();
                          gone.wait();  // a slow actor
                        }
                      },
                      {.credit = 4});
  });
  heard(in);
  // The reading thread waits for credit: what is passed is counted when it is read.
  const auto passed = [&] {
    const auto text = to_text(journal->metrics());
    const std::string name = "nexus_live_read_events_total{journal=\"" + journal->name() + "\"} ";
    return std::stoi(text.substr(text.find(name) + name.size()));
  };
  EXPECT_TRUE(eventually([&] { return passed() == 4; }));
  go.set_value();
  EXPECT_TRUE(eventually([&] { return handled == 50; }));
  EXPECT_EQ(passed(), 50);
  stop(a);
}

TEST_P(Feed, EndsWithItsActor) {
  add("a", 10);
  std::atomic<int> handled{0};
  auto a = run([&](caf::event_based_actor* self) {
    feeding = must(all.live()).to(self, [&, self](fed) {
      if (++handled == 2) self->quit();
    });
  });
  wait_for_end(sys.caf(), a);
  feeding = {};  // waits for the reading thread
  EXPECT_EQ(handled, 2);
}

TEST_P(Feed, StoppedItPassesNothingMore) {
  std::atomic<int> handled{0};
  std::promise<void> started;
  auto a = run([&](caf::event_based_actor* self) {
    feeding = must(all.live()).to(self, [&](fed) { ++handled; });
    started.set_value();
  });
  heard(started);
  feeding.stop();
  add("a", 1);
  feeding = {};
  stop(a);
  EXPECT_EQ(handled, 0);
}

TEST_P(Feed, AFailureThatPassesIsToldAndTheFeedGoesOn) {
  add("a", 1);
  std::promise<errc> failed;
  std::promise<sequence_nr> then;
  auto a = run([&](caf::event_based_actor* self) {
    auto from = must(all.live());
    faults->inject(fault::fail, operation::read, 1);
    feeding = std::move(from).to(self, [&](fed r) {
      if (!r) return failed.set_value(r.error().code);
      then.set_value((*r)->number);
    });
  });
  EXPECT_EQ(heard(failed), errc::unavailable);
  EXPECT_EQ(heard(then), 1u);
  stop(a);
}

TEST_P(Feed, AnEventThatDoesNotDecodeEndsIt) {
  testkit::terse_session raw{session()};
  ASSERT_EQ(raw.append(must(persistence_id::make("tally", "a")), 0,
                       {std::vector{event_view{.type = "lost", .data = "\x80"}}}),
            "stored");
  std::atomic<int> told{0};
  std::promise<errc> failed;
  auto a = run([&](caf::event_based_actor* self) {
    feeding = must(all.live()).to(self, [&](fed r) {
      if (++told == 1) failed.set_value(r.error().code);
    });
  });
  EXPECT_EQ(heard(failed), errc::unknown_type);
  feeding = {};
  stop(a);
  EXPECT_EQ(told, 1);
}

namespace {

// Ends its own feed on the reading thread.
struct ends_its_feed final : detail::feed_source {
  std::function<void()> end;
  item next() override { return end(), item{.last = true}; }
  void stop() noexcept override {}
};

}  // namespace

TEST(FeedOfAnActor, MayBeDestroyedByItsReadingThread) {
  nexus::system sys{{.threads = 2}};
  std::promise<void> made, gone;
  std::optional<feed> feeding;
  auto a = sys.caf().spawn<scripted_actor>([&](caf::event_based_actor* self) {
    auto source = std::make_unique<ends_its_feed>();
    source->end = [&] {
      heard(made);
      feeding.reset();
      gone.set_value();
    };
    feeding.emplace(self, std::move(source), feed_options{});
    made.set_value();
  });
  heard(gone);
  caf::scoped_actor self{sys.caf()};
  self->send_exit(a, caf::exit_reason::user_shutdown);
  self->wait_for(a);
}

INSTANTIATE_TEST_SUITE_P(Journals, Feed, journals_and_strands(), journal_name);
