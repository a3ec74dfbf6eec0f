// A sink that throws: the exception passes through unchanged, and the session still works.
#pragma once

#include <array>
#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>

#include "nexus/testkit/contract/global_order.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

struct no_exception_class {};

/// Describes what `call` throws, in a word.
inline std::string thrown_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const no_exception_class&) {
    return "a struct";
  } catch (int) {
    return "an int";
  } catch (const std::bad_alloc&) {
    return "bad_alloc";
  } catch (const std::exception& e) {
    return e.what();
  }
  return "nothing";
}

/// Throws a different type for each value.
inline void throw_one(int which) {
  if (which == 0) throw std::runtime_error{"of the sink"};
  if (which == 1) throw 7;
  if (which == 2) throw no_exception_class{};
  throw std::bad_alloc{};
}
inline constexpr std::array thrown{"of the sink", "an int", "a struct", "bad_alloc"};

TEST_P(JournalContract, AnExceptionOfASinkReachesTheCallerAndTheSessionStaysUsable) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  (void)follow(session, 4);
  auto other = another_session();
  sequence_nr highest = 3;
  for (int i = 0; i < static_cast<int>(thrown.size()); ++i) {
    auto at_the_second = [i](const record_view& r) {
      if (r.number == 2) throw_one(i);
      return true;
    };
    auto& inner = session.inner();
    EXPECT_EQ(thrown_by([&] { (void)inner.replay(alice, 1, 9, everything, at_the_second); }),
              thrown.at(i));
    EXPECT_EQ(
        thrown_by([&] { (void)inner.replay_payloads(alice, 1, 9, everything, at_the_second); }),
        thrown.at(i));
    EXPECT_EQ(thrown_by([&] {
                (void)inner.read_all(start, everything,
                                     [&](const auto&, const auto& r) { return at_the_second(r); });
              }),
              thrown.at(i));
    EXPECT_FALSE(inner.broken());
    EXPECT_EQ(session.replay(alice, 1, 3, everything), "1:a 2:b 3:c");
    EXPECT_EQ(session.append(alice, highest++, {"d"}), "stored");
    EXPECT_EQ(other.append(alice, highest++, {"e"}), "stored") << "nothing is locked";
    EXPECT_EQ(session.highest(alice), highest) << "and what it sees is not frozen";
  }
}

}}}  // namespace nexus::v0::testkit
