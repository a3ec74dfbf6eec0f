// Transfers, decided and applied with no runtime.
#include "transfer.hpp"

#include <gtest/gtest.h>

#include <array>

namespace bank { namespace {

const std::string id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const transfer::started wanted{"cash", "food", 500, "USD"};
const verdict posted{};
const verdict no{"no"};

using nexus::detail::question;
using namespace std::chrono_literals;

// A transfer whose questions the test answers.
class process {
 public:
  template <class C>
  void tell(const C& command) {
    take(nexus::decide<transfer>(state, command, self()));
  }
  void recover() { take(transfer::on_recovered(state, self())); }

  /// Answers the last question, about a leg or about forgetting.
  void answer(nexus::result<verdict> v) { tell_any(last<account::move>()->answered(std::move(v))); }
  void answer_forgotten(nexus::result<void> r) {
    tell_any(last<account::forget>()->answered(std::move(r)));
  }

  void at(nexus::timestamp now) { now_ = now; }

  /// Drops the last question and everything else that is not stored.
  void crash() {
    process next;
    for (const auto& event : journal) next.apply(event);
    next.journal = std::move(journal);
    *this = std::move(next);
    recover();
  }

  transfer::state state;
  std::vector<transfer::event> journal;
  std::string asked;   ///< by the last step: "withdraw cash -500", "forget food"; "": none
  std::string stored;  ///< by the last step: "leg_posted"; "": none
  std::chrono::nanoseconds asked_after{};  ///< the delay of that question
  bool unstashes = false;

 private:
  void tell_any(const transfer::command& command) {
    std::visit(
        [this]<class C>(const C& c) {
          if constexpr (!std::is_same_v<C, transfer::await>) {
            tell(c);
          }
        },
        command);
  }

  void apply(const transfer::event& event) {
    std::visit([this](const auto& one) { transfer::apply(state, one); }, event);
  }

  void take(const nexus::effect<transfer>& e) {
    ASSERT_FALSE(e.rejected()) << e.error().message;
    ASSERT_LE(e.links().size(), 1u);
    ASSERT_LE(e.events().size(), 2u);
    stored.clear();
    for (const auto& event : e.events()) {
      apply(event);
      journal.push_back(event);
      if (!stored.empty()) stored += " ";
      stored += std::visit([](const auto& one) { return std::string{one.type_name}; }, event);
    }
    unstashes = e.unstashes();
    question_ = e.links().empty() ? nullptr : e.links()[0].ask;
    asked = question_ == nullptr ? "" : describe();
    asked_after = question_ == nullptr ? 0ns : std::chrono::nanoseconds{question_->how().after};
  }

  template <class C>
  std::shared_ptr<question<transfer, account, C>> last() const {
    auto q = std::dynamic_pointer_cast<question<transfer, account, C>>(question_);
    EXPECT_TRUE(q) << "the last question is another one: " << asked;
    return q;
  }

  std::string describe() const {
    constexpr std::array names{"", "withdraw ", "deposit ", "refund "};
    const auto& whom = question_->id();
    if (dynamic_cast<question<transfer, account, account::forget>*>(question_.get()) != nullptr) {
      EXPECT_EQ(last<account::forget>()->command().transfer, id);
      return "forget " + whom;
    }
    const auto& what = last<account::move>()->command().what;
    EXPECT_EQ(what.transfer, id);
    EXPECT_EQ(what.currency, "USD");
    EXPECT_EQ(what.other, whom == "cash" ? "food" : "cash");
    return names.at(static_cast<std::size_t>(what.which)) + whom + " " +
           std::to_string(what.hundredths);
  }

  std::shared_ptr<nexus::detail::asking<transfer>> question_;
  [[nodiscard]] nexus::context self() const { return {id, 1, now_, no_header}; }

  static inline const nexus::call_header no_header;
  nexus::timestamp now_{};
};

process started() {
  process p;
  p.tell(transfer::start{wanted});
  return p;
}

// The answer of await: "waits", "moved", or the reason.
std::string ending_of(const process& p) {
  const auto e = nexus::decide<transfer>(p.state, transfer::await{});
  if (e.stashes()) return "waits";
  const auto ended = e.reply(p.state);
  if (!ended) return "error: " + ended.error().message;
  return ended->refusal.empty() ? "moved" : ended->refusal;
}

TEST(Transfer, MovesMoneyAndThenHasItForgotten) {
  auto p = started();
  EXPECT_EQ(p.stored, "started reminder_set");
  EXPECT_EQ(p.asked, "withdraw cash -500");
  p.answer(posted);
  EXPECT_EQ(p.stored, "leg_posted");
  EXPECT_EQ(p.asked, "deposit food 500");
  p.answer(posted);
  EXPECT_EQ(p.stored, "leg_posted");
  EXPECT_EQ(p.asked, "forget cash");
  p.answer_forgotten({});
  EXPECT_EQ(p.asked, "forget food");
  EXPECT_EQ(ending_of(p), "waits");
  p.answer_forgotten({});
  EXPECT_EQ(p.stored, "completed");
  EXPECT_EQ(p.asked, "");
  EXPECT_TRUE(p.unstashes);
  EXPECT_EQ(ending_of(p), "moved");
}

TEST(Transfer, ThatIsRefusedAtOnceMovesNothing) {
  auto p = started();
  p.answer(no);
  EXPECT_EQ(p.stored, "leg_refused");
  EXPECT_EQ(p.asked, "forget cash");
  p.answer_forgotten({});
  p.answer_forgotten({});
  EXPECT_EQ(p.stored, "completed");
  EXPECT_EQ(ending_of(p), "no");
}

TEST(Transfer, ThatIsRefusedAtTheOtherEndPaysBack) {
  auto p = started();
  p.answer(posted);
  p.answer(no);
  EXPECT_EQ(p.stored, "leg_refused");
  EXPECT_EQ(p.asked, "refund cash 500");
  p.answer(posted);
  EXPECT_EQ(p.stored, "leg_posted");
  EXPECT_EQ(p.asked, "forget cash");
  p.answer_forgotten({});
  EXPECT_EQ(p.asked, "forget food") << "it remembers the refusal";
  p.answer_forgotten({});
  EXPECT_EQ(ending_of(p), "no");
}

TEST(Transfer, AsksAgainAfterACrashWhatIsNotDone) {
  auto p = started();
  p.crash();
  EXPECT_EQ(p.asked, "withdraw cash -500");
  EXPECT_EQ(p.stored, "");
  p.answer(posted);
  p.crash();
  EXPECT_EQ(p.asked, "deposit food 500");
  p.answer(no);
  p.crash();
  EXPECT_EQ(p.asked, "refund cash 500");
  p.answer(posted);
  p.crash();
  EXPECT_EQ(p.asked, "forget cash");
  p.answer_forgotten({});
  p.crash();
  EXPECT_EQ(p.asked, "forget cash") << "who forgot is not written down; asking twice is harmless";
  p.answer_forgotten({});
  p.answer_forgotten({});
  p.crash();
  EXPECT_EQ(p.asked, "");
  EXPECT_EQ(ending_of(p), "no");
}

TEST(Transfer, ANewIdHasNothingToAsk) {
  process p;
  p.recover();
  EXPECT_EQ(p.asked, "");
  EXPECT_EQ(p.stored, "");
  EXPECT_EQ(ending_of(p), "error: there is no such transfer");
}

TEST(Transfer, TroubleIsAskedAgainAfterGrowingPauses) {
  using enum nexus::errc;
  for (auto code : {conflict, unavailable, outcome_unknown, overloaded, timeout, stopped}) {
    auto p = started();
    EXPECT_EQ(p.asked_after, 0ms);
    std::chrono::nanoseconds before{};
    for (int attempt = 1; attempt < 10; ++attempt) {
      p.answer(nexus::fail(code, "trouble"));
      ASSERT_EQ(p.stored, "");
      ASSERT_EQ(p.asked, "withdraw cash -500");
      EXPECT_GT(p.asked_after, before);
      before = p.asked_after;
    }
    for (int attempt = 10; attempt < 100; ++attempt) p.answer(nexus::fail(code, "trouble"));
    EXPECT_EQ(p.asked_after, 5s);
    p.answer(posted);
    EXPECT_EQ(p.asked, "deposit food 500");
    EXPECT_EQ(p.asked_after, 0ms);
  }
}

TEST(Transfer, ThatIsNotOverInTimeIsWokenAndAsksAgain) {
  auto p = started();
  auto due = transfer::alarm(p.state);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->due, nexus::timestamp{5s});
  p.answer(posted);
  p.at(due->due);
  p.tell(transfer::resume{});
  EXPECT_EQ(p.stored, "reminder_set");
  EXPECT_EQ(p.asked, "deposit food 500");
  EXPECT_EQ(transfer::alarm(p.state)->due, nexus::timestamp{5s + 10s});
  p.answer(posted);
  p.answer_forgotten({});
  p.answer_forgotten({});
  EXPECT_FALSE(transfer::alarm(p.state)) << "it is over";
  p.tell(transfer::resume{});
  EXPECT_EQ(p.stored, "");
}

TEST(Transfer, ThatIsHeldUpIsWokenToo) {
  auto p = started();
  p.answer(nexus::fail(nexus::errc::corrupt, "account|cash: event 3 does not decode"));
  EXPECT_EQ(p.stored, "held_up");
  ASSERT_TRUE(transfer::alarm(p.state));
  p.tell(transfer::resume{});
  EXPECT_EQ(p.stored, "resumed reminder_set");
  EXPECT_EQ(p.asked, "withdraw cash -500");
}

TEST(Transfer, APermanentErrorHoldsItUpAtOnceUntilItIsResumed) {
  auto p = started();
  p.answer(posted);
  p.answer(nexus::fail(nexus::errc::corrupt, "account|food: event 3 does not decode"));
  EXPECT_EQ(p.stored, "held_up");
  EXPECT_EQ(p.asked, "");
  EXPECT_TRUE(p.unstashes);
  EXPECT_EQ(ending_of(p), "error: account|food: event 3 does not decode");

  p.crash();
  EXPECT_EQ(p.stored, "resumed");
  EXPECT_EQ(p.asked, "deposit food 500");
  EXPECT_EQ(ending_of(p), "waits");
  p.answer(posted);
  EXPECT_EQ(p.asked, "forget cash");
}

TEST(Transfer, ForgettingIsAskedAgainToo) {
  auto p = started();
  p.answer(no);
  p.answer_forgotten({});
  EXPECT_EQ(p.asked, "forget food");
  p.answer_forgotten(nexus::fail(nexus::errc::unavailable, "trouble"));
  EXPECT_EQ(p.asked, "forget cash");
  p.answer_forgotten(nexus::fail(nexus::errc::corrupt, "damaged"));
  EXPECT_EQ(p.stored, "held_up");
}

TEST(Transfer, AnAnswerThatComesTwiceChangesNothing) {
  auto p = started();
  p.answer(posted);
  p.tell(transfer::leg_answered{leg::withdraw, no});
  EXPECT_EQ(p.stored, "");
  EXPECT_EQ(p.asked, "");
  p.tell(transfer::forget_answered{leg::deposit, {}});
  EXPECT_EQ(p.stored, "");
  p.tell(transfer::leg_answered{leg::deposit, posted});
  p.tell(transfer::leg_answered{leg::deposit, no});
  EXPECT_EQ(p.stored, "");
  EXPECT_EQ(p.asked, "");
}

TEST(Transfer, StartingItTwiceIsOne) {
  auto p = started();
  p.tell(transfer::start{wanted});
  EXPECT_EQ(p.stored, "");
  EXPECT_EQ(p.asked, "");
  auto other = wanted;
  other.hundredths = 501;
  EXPECT_TRUE(nexus::decide<transfer>(p.state, transfer::start{other}).rejected());
}

}}  // namespace bank
