// Messages to an entity's actor from the storage and from its timers.
#pragma once

#include "entity_fsm.hpp"
#include "nexus/message.hpp"

namespace nexus::inline v0::detail {

inline constexpr std::uint8_t written_kind = 2;

struct load_answer final : message {
  static constexpr std::uint8_t message_kind = 3;
  explicit load_answer(std::uint32_t e) : message{message_kind}, epoch{e} {}
  std::uint32_t epoch;
  result<load_result> what;
};

struct replay_answer final : message {
  static constexpr std::uint8_t message_kind = 4;
  explicit replay_answer(replay a) : message{message_kind}, asked{a} {}
  replay asked;
  result<replay_chunk> what;
};

struct check_answer final : message {
  static constexpr std::uint8_t message_kind = 9;
  explicit check_answer(std::uint32_t n) : message{message_kind}, number{n} {}
  std::uint32_t number;
  result<sequence_nr> what;
};

struct check_due_message final : message {
  static constexpr std::uint8_t message_kind = 13;
  check_due_message() : message{message_kind} {}
};

struct timer_message final : message {
  static constexpr std::uint8_t message_kind = 6;
  explicit timer_message(std::uint32_t e) : message{message_kind}, epoch{e} {}
  std::uint32_t epoch;
};

}
