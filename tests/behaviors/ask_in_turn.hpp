// Commands to one entity, one after the other.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

namespace nexus::test {

/// The answer to the last command; the commands before it must succeed.
template <class Ref, class C, class... More>
auto ask_in_turn(const Ref& entity, C command, More... more) {
  auto answer = entity.ask(std::move(command)).get(std::chrono::seconds{10});
  if constexpr (sizeof...(More) == 0) {
    return answer;
  } else {
    EXPECT_TRUE(answer);
    return ask_in_turn(entity, std::move(more)...);
  }
}

}
