// A behavior whose code is compiled in counter.cpp only.
#pragma once

#include <cstdint>
#include <nexus/nexus.hpp>
#include <string_view>
#include <variant>

struct counter {
  static constexpr std::string_view entity_type = "counter";

  struct increment {
    std::int64_t by = 1;
    MSGPACK_DEFINE_MAP(by)
  };
  struct note_it {};  ///< puts the value into the notes, and answers what was there
  struct noted {
    std::int64_t before = 0;
  };
  using command = std::variant<increment, note_it, noted>;

  struct incremented {
    static constexpr std::string_view type_name = "incremented";
    std::int64_t by = 1;
    MSGPACK_DEFINE_MAP(by)
  };
  using event = std::variant<incremented>;

  struct state {
    std::int64_t value = 0;
    MSGPACK_DEFINE_MAP(value)
  };

  static nexus::effect<counter, std::int64_t> decide(const state& s, const increment& c);
  static nexus::effect<counter> decide(const state& s, const note_it& c);
  static nexus::effect<counter> decide(const state& s, const noted& c);
  static void apply(state& s, const incremented& e);
};

extern template class nexus::compiled<counter>;
