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

}}  // namespace seats
