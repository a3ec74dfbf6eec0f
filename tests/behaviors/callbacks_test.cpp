// The effect of an exception in each of the user's functions: the table in docs/behaviors.md, row
// by row. None ends the process or harms another entity, and each is reported.
#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <nexus/nexus.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <nexus/testkit/faulty.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

using namespace nexus;
using namespace std::chrono_literals;

namespace {

// The function that throws next, and what it throws.
std::string due;            // NOLINT: static functions have no other place
std::function<void()> how;  // NOLINT
void may_throw(std::string_view where) {
  if (due == where) how();
}

struct bomb {
  static constexpr std::string_view entity_type = "bomb";

  struct add {
    std::int64_t n = 0;
  };
  struct look {};
  struct run {};
  struct ask_self {};
  struct heard {
    std::int64_t n = 0;
  };
  struct copied {
    copied() = default;
    copied(const copied&) { may_throw("copying a command"); }
    copied(copied&&) noexcept = default;
    copied& operator=(const copied&) = default;
    copied& operator=(copied&&) noexcept = default;
  };
  struct ask_copied {};
  struct set_copied {};
  using command = std::variant<add, look, run, ask_self, heard, copied, ask_copied, set_copied>;

  struct added {
    static constexpr std::string_view type_name = "added";
    std::int64_t n = 0;
    MSGPACK_DEFINE_MAP(n)
    added() { may_throw("the constructor of an event"); }
    explicit added(std::int64_t by) : n{by} {}
  };
  using event = std::variant<added>;

  struct state {
    std::int64_t sum = 0;
    std::int64_t answers = 0;
    MSGPACK_DEFINE_MAP(sum, answers)
    state() { may_throw("the constructor of the state"); }
  };

  struct serializer {
    static constexpr std::string_view name = "watched";
    template <class T>
    static void encode(const T& value, std::string& out) {
      may_throw("encode");
      nexus::encode(value, out);
    }
    template <class T>
    static result<void> decode(std::string_view bytes, T& value) {
      may_throw("decode");
      return nexus::decode(bytes, value);
    }
  };

  static auto decide(const state&, const add& c) {
    may_throw("decide");
    return persist(added{c.n}).then_reply([](const state& s) {
      may_throw("then_reply");
      return s.sum;
    });
  }
  static auto decide(const state& s, const look&) { return reply(s.sum); }
  static auto decide(const state&, const run&) {
    return persist(added{1})
        .then_run([](const state&) { may_throw("then_run"); })
        .then_reply(&state::sum);
  }
  static auto decide(const state&, const ask_self&, const context& c) {
    return nexus::ask<bomb>(std::string{c.id()}, look{}, [](const result<std::int64_t>& r) {
      may_throw("then_ask");
      return command{heard{r.value_or(-1)}};
    });
  }
  static auto decide(const state&, const ask_copied&, const context& c) {
    return nexus::ask<bomb>(std::string{c.id()}, copied{},
                            [](const result<void>& r) { return command{heard{r ? 1 : -1}}; });
  }
  static auto decide(const state&, const set_copied&) {
    return persist(added{1}).then_after("t", 1s, copied{}).then_after("u", 1s, add{10});
  }
  static auto decide(const state&, const copied&) { return none(); }
  static auto decide(const state&, const heard&) { return persist(added{1'000}); }

  static void apply(state& s, const added& e) {
    may_throw("apply");
    s.sum += e.n;
  }
  static std::array<std::string, 1> tags(const added&) {
    may_throw("tags");
    return {"all"};
  }
  static bool snapshot_when(const state&, const event&, sequence_nr) {
    may_throw("snapshot_when");
    return false;
  }
  static effect<bomb> on_recovered(const state&) {
    may_throw("on_recovered");
    return none();
  }
};

struct seen {
  std::vector<std::string> signals;
  std::vector<std::string> letters;

  [[nodiscard]] bool has(std::string_view kind, std::string_view text) const {
    for (const auto& s : signals) {
      if (s.starts_with(kind) && s.find(text) != std::string::npos) return true;
    }
    return false;
  }
};

std::string kind_of(entity_signal::kind k) {
  switch (k) {
    case entity_signal::kind::chain_failed:
      return "chain_failed";
    case entity_signal::kind::alarm_failed:
      return "alarm_failed";
    case entity_signal::kind::recovery_failed:
      return "recovery_failed";
    case entity_signal::kind::recovered:
      return "recovered";
    default:
      return "other";
  }
}

// Each test throws a std::exception, std::bad_alloc, and a value that is not an exception.
struct Callbacks : testing::TestWithParam<int> {
  Callbacks() {
    due.clear();
    how = [] {
      if (GetParam() == 0) throw std::runtime_error{"boom"};
      if (GetParam() == 1) throw std::bad_alloc{};
      throw 42;  // NOLINT: on purpose
    };
    options.on_signal = [this](const entity_signal& s) {
      what.signals.push_back(kind_of(s.what) + ": " + s.why.message);
      may_throw("on_signal");
    };
  }
  ~Callbacks() override { due.clear(); }

  entities<bomb>& bombs() {
    if (!made) made.emplace(det, *store, options);
    return *made;
  }
  auto add(std::string_view id, std::int64_t n) {
    return det.get(bombs().of(id).ask(bomb::add{n}));
  }
  auto sum(std::string_view id) { return det.get(bombs().of(id).ask(bomb::look{})); }
  std::string thrown() const {
    static const char* const all[] = {"boom", "std::bad_alloc", "not a std::exception"};
    return all[GetParam()];
  }
  // Nothing else was harmed.
  void go_on() {
    due.clear();
    EXPECT_EQ(add("another", 1), 1);
  }

  seen what;
  testkit::deterministic_system det;
  std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
  result<nexus::store> store = det.open("memory:", {testkit::faulty(memory_backend(), faults)});
  dead_letters::subscription listening = det.sys().letters().subscribe([this](const auto& l) {
    what.letters.push_back(l.target + ": " + l.why.message);
    may_throw("letters");
  });
  entity_options options{};
  std::optional<entities<bomb>> made;
};

std::string what_is_thrown(const testing::TestParamInfo<int>& info) {
  static const char* const all[] = {"AnException", "NoMemory", "AnInt"};
  return all[info.param];
}

}  // namespace

TEST_P(Callbacks, OfDecidingRefuseTheirCommandAndNameIt) {
  ASSERT_EQ(add("one", 1), 1);
  struct {
    const char* where;
    errc code;
  } const rows[] = {{"decide", errc::decide_failed},       {"encode", errc::decide_failed},
                    {"tags", errc::decide_failed},         {"apply", errc::apply_failed},
                    {"snapshot_when", errc::apply_failed}, {"then_reply", errc::apply_failed}};
  for (const auto& row : rows) {
    due = row.where;
    const auto r = add("one", 10);
    due.clear();
    ASSERT_FALSE(r) << row.where;
    EXPECT_EQ(r.error().code, row.code) << row.where;
    EXPECT_NE(r.error().message.find("bomb|one"), std::string::npos) << r.error().message;
    EXPECT_NE(r.error().message.find(thrown()), std::string::npos) << r.error().message;
    EXPECT_EQ(sum("one"), 1) << row.where;
  }
  go_on();
}

TEST_P(Callbacks, OfToldCommandsEndInTheDeadLettersOnce) {
  for (const char* where : {"decide", "encode", "tags", "apply", "then_reply"}) {
    what.letters.clear();
    due = where;
    ASSERT_TRUE(bombs().of("one").tell(bomb::add{1}));
    det.drain();
    ASSERT_EQ(what.letters.size(), 1U) << where;
    EXPECT_NE(what.letters[0].find("bomb|one"), std::string::npos) << what.letters[0];
    EXPECT_NE(what.letters[0].find(thrown()), std::string::npos) << what.letters[0];
    due.clear();
    det.drain();
  }
  go_on();
}

TEST_P(Callbacks, OfAThenRunAreSignalledAndTheCommandStands) {
  due = "then_run";
  EXPECT_EQ(det.get(bombs().of("one").ask(bomb::run{})), 1);
  EXPECT_TRUE(what.has("chain_failed", "bomb|one")) << testing::PrintToString(what.signals);
  EXPECT_TRUE(what.has("chain_failed", thrown()));
  go_on();
}

TEST_P(Callbacks, OfAThenAskHaveTheProcessAskAgainAfterAPause) {
  due = "then_ask";
  ASSERT_TRUE(bombs().of("one").tell(bomb::ask_self{}));
  det.drain();
  EXPECT_TRUE(what.has("chain_failed", "then_ask")) << testing::PrintToString(what.signals);
  ASSERT_EQ(what.letters.size(), 1U) << "the answer is lost";
  what.signals.clear();
  due.clear();
  det.advance(1s);
  EXPECT_TRUE(what.has("recovered", "")) << "by itself";
  EXPECT_EQ(sum("one"), 0);
  ASSERT_TRUE(bombs().of("one").tell(bomb::ask_self{}));
  det.drain();
  EXPECT_EQ(sum("one"), 1'000);
  go_on();
  EXPECT_TRUE(det.sys().shutdown(10s).complete()) << "no question is open";
}

TEST_P(Callbacks, OfCopyingAQuestionAnswerItAsFailed) {
  due = "copying a command";
  ASSERT_TRUE(bombs().of("one").tell(bomb::ask_copied{}));
  det.drain();
  due.clear();
  EXPECT_EQ(sum("one"), 1'000) << "the answer, which is an error, came back";
  EXPECT_TRUE(det.sys().shutdown(10s).complete()) << "no question is open";
}

TEST_P(Callbacks, OfCopyingATimersCommandSetNoTimerAndTheChainGoesOn) {
  due = "copying a command";
  EXPECT_TRUE(det.get(bombs().of("one").ask(bomb::set_copied{})));
  det.drain();
  due.clear();
  EXPECT_TRUE(what.has("chain_failed", thrown()));
  EXPECT_EQ(sum("one"), 1) << "the command stands";
  det.advance(1s);
  EXPECT_EQ(sum("one"), 11);
  go_on();
}

TEST_P(Callbacks, OfTheStatesConstructorFailTheRecovery) {
  due = "the constructor of the state";
  const auto r = sum("one");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::apply_failed);
  EXPECT_NE(r.error().message.find("bomb|one"), std::string::npos) << r.error().message;
  EXPECT_TRUE(what.has("recovery_failed", thrown()));
  due.clear();
  EXPECT_EQ(sum("one"), 0);
  due = "the constructor of the state";
  made.reset();  // does not hang
}

TEST_P(Callbacks, OfReadingFailTheRecovery) {
  ASSERT_EQ(add("one", 1), 1);
  for (const char* where : {"decode", "the constructor of an event", "apply"}) {
    det.advance(1h);  // passivated
    ASSERT_EQ(bombs().live(), 0U);
    due = where;
    const auto r = sum("one");
    due.clear();
    ASSERT_FALSE(r) << where;
    EXPECT_NE(r.error().message.find("bomb|one: event 1: "), std::string::npos)
        << r.error().message;
    EXPECT_EQ(sum("one"), 1) << where;
  }
  go_on();
}

TEST_P(Callbacks, OfOnRecoveredFailTheRecoveryWhichIsTriedAgainAfterGrowingPauses) {
  due = "on_recovered";
  const auto r = sum("one");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::decide_failed);
  EXPECT_NE(r.error().message.find("bomb|one: could not be recovered"), std::string::npos);
  det.advance(1min);
  std::size_t failed = 0;
  for (const auto& s : what.signals) failed += s.starts_with("recovery_failed") ? 1 : 0;
  EXPECT_GE(failed, 8U) << "0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10 … s";
  EXPECT_LE(failed, 16U);
  due.clear();
  det.advance(15s);
  EXPECT_TRUE(what.has("recovered", "")) << "without a command";
}

TEST_P(Callbacks, OfOnRecoveredUnderStopDoNotSpin) {
  options.supervised = supervision{};
  options.supervised->decide = [](const failure&) { return directive::stop; };
  due = "on_recovered";
  ASSERT_FALSE(sum("one"));
  det.advance(10s);
  std::size_t failed = 0;
  for (const auto& s : what.signals) failed += s.starts_with("recovery_failed") ? 1 : 0;
  EXPECT_EQ(failed, 1U);
  EXPECT_EQ(bombs().live(), 0U);
  EXPECT_TRUE(det.sys().shutdown(10s).complete());
}

TEST_P(Callbacks, OfListenersHarmNothingElse) {
  due = "on_signal";
  EXPECT_EQ(add("one", 1), 1);
  due = "letters";
  EXPECT_FALSE(det.get(bombs().of("one").ask(bomb::add{1}, -1s)));
  go_on();
}

INSTANTIATE_TEST_SUITE_P(Throwing, Callbacks, testing::Values(0, 1, 2), what_is_thrown);
