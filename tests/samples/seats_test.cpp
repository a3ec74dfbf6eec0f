#include <gtest/gtest.h>

#include <nexus/testkit/scenario.hpp>

#include "show.hpp"

namespace seats { namespace {

using namespace nexus::testkit;

const show::opened hamlet{"Hamlet", 10, 2500};
const show::booked two{"b1", "ann", {3, 4}, 5000};

TEST(Show, OpensOnce) {
  given<show>().when(show::open{"Hamlet", 10, 2500}).then(hamlet);
  given<show>(hamlet).when(show::open{"Hamlet", 10, 2500}).then();
  given<show>(hamlet)
      .when(show::open{"Hamlet", 20, 2500})
      .then(rejects("the show is open already"));
}

TEST(Show, RefusesToOpenWithBadNumbersOrText) {
  given<show>().when(show::open{"", 10, 1}).then(rejects("title is empty"));
  given<show>().when(show::open{"a\nb", 10, 1}).then(rejects("title has a control character"));
  given<show>()
      .when(show::open{std::string(201, 'x'), 10, 1})
      .then(rejects("title has 201 bytes, at most 200 are allowed"));
  given<show>().when(show::open{"x", 0, 1}).then(rejects("seats is 0, not 1 to 10000"));
  given<show>().when(show::open{"x", 1, -1}).then(rejects("cents is -1, not 0 to 100000000"));
}

TEST(Show, SellsSeatsForTheirPrice) {
  given<show>(hamlet).when(show::book{"b1", "ann", {4, 3, 4}}).then(two, replies(5000));
}

TEST(Show, ABookingThatComesAgainGetsTheSameAnswer) {
  given<show>(hamlet, two).when(show::book{"b1", "ann", {3, 4}}).then(replies(5000));
}

TEST(Show, SellsNoSeatTwice) {
  given<show>(hamlet, two).when(show::book{"b2", "bob", {2, 3}}).then(rejects("seat 3 is taken"));
  given<show>(hamlet).when(show::book{"b2", "bob", {11}}).then(rejects("there is no seat 11"));
  given<show>(hamlet).when(show::book{"b2", "bob", {}}).then(rejects("a booking needs a seat"));
  given<show>(hamlet).when(show::book{"b2", "", {1}}).then(rejects("customer is empty"));
  given<show>().when(show::book{"b2", "bob", {1}}).then(rejects("there is no such show"));
}

TEST(Show, ACancelledSeatIsFreeAgain) {
  const show::cancelled back{"b1", 2, 5000};
  given<show>(hamlet, two).when(show::cancel{"b1"}).then(back);
  given<show>(hamlet, two, back)
      .when(show::book{"b2", "bob", {3}})
      .then(show::booked{"b2", "bob", {3}, 2500}, replies(2500));
  given<show>(hamlet, two, back).when(show::cancel{"b1"}).then();
}

// -- holds ----------------------------------------------------------------------------------------

const nexus::timestamp noon{std::chrono::hours{12}};
const show::held for_bob{"h1", "bob", {5}, noon + std::chrono::minutes{5}};
const show::held for_cid{"h2", "cid", {6, 7}, noon + std::chrono::minutes{2}};

TEST(Show, HoldsSeatsUntilATime) {
  given<show>(hamlet)
      .at(noon)
      .when(show::hold{"h1", "bob", {5}, 300})
      .then(for_bob, replies(for_bob.until))
      .then_alarm(for_bob.until, show::expire{});
  given<show>(hamlet, for_bob).when(show::hold{"h1", "bob", {5}, 300}).then(replies(for_bob.until));
  given<show>(hamlet, for_bob).when(show::book{"b1", "ann", {5}}).then(rejects("seat 5 is taken"));
  given<show>(hamlet)
      .when(show::hold{"h1", "bob", {5}, 0})
      .then(rejects("seconds is 0, not 1 to 86400"));
}

TEST(Show, AHoldThatIsOverFreesItsSeats) {
  given<show>(hamlet, for_bob, for_cid)
      .then_alarm(for_cid.until, show::expire{})
      .at(noon)
      .advance(std::chrono::minutes{2})
      .when_alarm<show::expire>()
      .then(show::released{"h2"})
      .then_alarm(for_bob.until, show::expire{})
      .when(show::book{"b1", "ann", {6}})
      .then(show::booked{"b1", "ann", {6}, 2500}, replies(2500));
}

TEST(Show, AHoldIsPaidAsItIs) {
  given<show>(hamlet, for_bob)
      .when(show::book{"h1", {}, {}})
      .then(show::booked{"h1", "bob", {5}, 2500}, replies(2500))
      .then_no_alarm();
  given<show>(hamlet)
      .when(show::book{"h1", {}, {}})
      .then(rejects("nothing is held as \"h1\"; its time may be over"));
  given<show>(hamlet, for_bob).when(show::cancel{"h1"}).then(show::released{"h1"}).then_no_alarm();
}

}}  // namespace seats
