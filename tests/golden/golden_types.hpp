// The types of the golden files. They are frozen: a change would make the files unreadable.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <nexus/nexus.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace nexus::golden {

/// Whether the files are to be written, see README.md.
inline bool writing() { return std::getenv("NEXUS_WRITE_GOLDEN") != nullptr; }

struct integers {
  bool flag = false;
  std::int8_t i8 = 0;
  std::int16_t i16 = 0;
  std::int32_t i32 = 0;
  std::int64_t i64 = 0;
  std::uint8_t u8 = 0;
  std::uint16_t u16 = 0;
  std::uint32_t u32 = 0;
  std::uint64_t u64 = 0;
  MSGPACK_DEFINE_MAP(flag, i8, i16, i32, i64, u8, u16, u32, u64)
  friend bool operator==(const integers&, const integers&) = default;
};

/// Every integer at one end of its range.
template <template <class> class End>
integers integers_at(bool flag) {
  return {flag,
          End<std::int8_t>::value,
          End<std::int16_t>::value,
          End<std::int32_t>::value,
          End<std::int64_t>::value,
          End<std::uint8_t>::value,
          End<std::uint16_t>::value,
          End<std::uint32_t>::value,
          End<std::uint64_t>::value};
}
template <class T>
struct lowest {
  static constexpr T value = std::numeric_limits<T>::min();
};
template <class T>
struct highest {
  static constexpr T value = std::numeric_limits<T>::max();
};

struct numbers {
  float f32 = 0;
  double f64 = 0;
  std::vector<std::int64_t> widths;  // one of each width that msgpack has
  MSGPACK_DEFINE_MAP(f32, f64, widths)
  friend bool operator==(const numbers&, const numbers&) = default;
};

struct texts {
  std::string empty;
  std::string utf8;
  std::string with_nul;
  std::string long_one;
  std::vector<std::uint8_t> binary;
  std::vector<char> characters;
  std::array<std::uint8_t, 4> fixed{};
  MSGPACK_DEFINE_MAP(empty, utf8, with_nul, long_one, binary, characters, fixed)
  friend bool operator==(const texts&, const texts&) = default;
};

struct nothing {
  friend bool operator==(const nothing&, const nothing&) = default;
};

struct line {
  std::string what;
  std::int64_t cents = 0;
  MSGPACK_DEFINE_MAP(what, cents)
  friend bool operator==(const line&, const line&) = default;
};

enum class side : std::uint8_t { debit = 1, credit = 2 };

struct nested {
  line one;
  std::vector<line> many;
  std::map<std::string, line> by_name;
  std::map<std::int64_t, std::vector<std::string>> by_number;
  std::optional<line> present;
  std::optional<std::int64_t> absent;
  std::set<std::string> tags;
  std::pair<std::string, line> pair;
  std::array<std::int32_t, 3> three{};
  nothing empty;
  MSGPACK_DEFINE_MAP(one, many, by_name, by_number, present, absent, tags, pair, three, empty)
  friend bool operator==(const nested&, const nested&) = default;
};

struct choices {
  side which = side::debit;
  std::variant<nothing, line, std::int64_t> first;
  std::variant<nothing, line, std::int64_t> second;
  std::variant<nothing, line, std::int64_t> third;
  std::chrono::milliseconds took{};
  timestamp at{};
  timestamp before_1970{};
  MSGPACK_DEFINE_MAP(which, first, second, third, took, at, before_1970)
  friend bool operator==(const choices&, const choices&) = default;
};

/// The behavior whose journal is kept.
struct basket {
  static constexpr std::string_view entity_type = "basket";

  struct put {
    std::vector<line> lines;
    std::optional<std::string> note;
    MSGPACK_DEFINE_MAP(lines, note)
  };
  struct check_out {};
  struct show {};
  using command = std::variant<put, check_out, show>;

  struct filled {
    static constexpr std::string_view type_name = "filled";
    line added;
    std::optional<std::string> note;
    MSGPACK_DEFINE_MAP(added, note)
  };
  struct checked_out {
    static constexpr std::string_view type_name = "checked-out";
    static constexpr std::uint32_t schema_version = 2;
    std::int64_t total = 0;
    MSGPACK_DEFINE_MAP(total)
    static void upcast(from_version<1>, document& d) { d.rename("sum", "total"); }
  };
  struct emptied {
    static constexpr std::string_view type_name = "emptied";
  };
  using event = std::variant<filled, checked_out, emptied>;

  struct state {
    std::vector<line> lines;
    std::map<std::string, std::int64_t> notes;
    std::int64_t turnover = 0;
    MSGPACK_DEFINE_MAP(lines, notes, turnover)
    friend bool operator==(const state&, const state&) = default;
  };

  static effect<basket, state> decide(const state&, const put& c) {
    std::vector<event> events;
    for (const auto& one : c.lines) events.emplace_back(filled{one, c.note});
    return persist(std::move(events)).then_reply(&whole);
  }
  static effect<basket, state> decide(const state& s, const check_out&) {
    std::int64_t total = 0;
    for (const auto& one : s.lines) total += one.cents;
    return persist(checked_out{total}, emptied{}).then_reply(&whole);
  }
  static effect<basket, state> decide(const state& s, const show&) { return reply(s); }
  static state whole(const state& s) { return s; }

  static void apply(state& s, const filled& e) {
    s.lines.push_back(e.added);
    if (e.note) ++s.notes[*e.note];
  }
  static void apply(state& s, const checked_out& e) { s.turnover += e.total; }
  static void apply(state& s, const emptied&) { s.lines.clear(); }
};

}
