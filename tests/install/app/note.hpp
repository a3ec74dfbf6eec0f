// A durable state whose code is compiled in note.cpp only.
#pragma once

#include <cstdint>
#include <nexus/nexus.hpp>
#include <string_view>
#include <variant>

struct note {
  static constexpr std::string_view entity_type = "note";

  struct write {
    std::int64_t value = 0;
  };
  struct read {};
  using command = std::variant<write, read>;

  struct state {
    std::int64_t value = 0;
    MSGPACK_DEFINE_MAP(value)
  };

  /// Answers the value before.
  static nexus::effect<note, std::int64_t> decide(const state& s, const write& c);
  static nexus::effect<note, std::int64_t> decide(const state& s, const read& c);
};

extern template class nexus::compiled<note>;
