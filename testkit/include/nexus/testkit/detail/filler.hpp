// Seeded values for every kind of field.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <nexus/codec.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace nexus { inline namespace v0 { namespace testkit::detail {

namespace shapes = nexus::detail;

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every platform, unlike the
/// distributions of the standard library.
class splitmix64 {
 public:
  explicit splitmix64(std::uint64_t seed) : state_{seed} {}

  std::uint64_t next() {
    auto z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  /// Below `bound`, which must be small against 2^64.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

/// Texts that often break programs, all valid UTF-8.
inline constexpr std::array<std::string_view, 16> odd_texts{
    std::string_view{},
    " ",
    std::string_view{"a\0b", 3},
    "'; DROP TABLE nexus_event_journal; --",
    "\"quoted\" \\ back\\slashed",
    "tab\tline\nreturn\r\n",
    "Größe £5 – žluťoučký",
    "東京都 日本語",
    "مرحبا \u202eright to left",
    "\U0001F469\u200d\U0001F680 \U0001F1EA\U0001F1FA",
    "e\u0301 combined, \u00e9 not",
    "<script>alert(1)</script>&amp;",
    "%s%n{}{0}$HOME`id`",
    "../../etc/passwd",
    "NULL",
    "-1e309",
};

/// A packer that fills: the generated msgpack_pack passes it names and fields in turn.
class filler {
 public:
  explicit filler(splitmix64& random, int depth = 0) : random_{random}, depth_{depth} {}

  void pack_map(std::uint32_t) {}

  template <class T>
  void pack(const T& field) {
    if (named_) {
      named_ = false;
      fill(const_cast<T&>(field));  // safe: the builder made the object
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      named_ = true;
    }
  }

  template <class T>
  void fill(T& value) {
    if constexpr (shapes::mapped<T>) {
      filler inside{random_, depth_ + 1};
      value.msgpack_pack(inside);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = random_.below(2) == 1;
    } else if constexpr (std::is_same_v<T, char>) {
      value = static_cast<char>(' ' + random_.below(95));
    } else if constexpr (std::is_same_v<T, std::byte>) {
      value = static_cast<std::byte>(random_.below(256));
    } else if constexpr (std::is_integral_v<T>) {
      value = integer<T>();
    } else if constexpr (std::is_floating_point_v<T>) {
      value = floating<T>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = text();
    } else if constexpr (shapes::is_duration<T>) {
      value = T{static_cast<typename T::rep>(integer<std::int32_t>())};
    } else if constexpr (shapes::is_time_point<T>) {
      value = time<T>();
    } else {
      fill_container(value);
    }
  }

 private:
  static constexpr int depth_max = 4;  // of types that contain themselves

  template <class T>
  void fill_container(T& value) {
    if constexpr (shapes::is_optional<T>) {
      value.reset();
      if (deeper() && random_.below(2) == 1) fill(value.emplace());
    } else if constexpr (shapes::is_variant<T>) {
      fill_variant(value);
    } else if constexpr (shapes::is_tuple<T>) {
      std::apply([&](auto&... one) { (fill(one), ...); }, value);
    } else if constexpr (shapes::is_array<T>) {
      for (auto& one : value) fill(one);
    } else if constexpr (shapes::map_like<T>) {
      value.clear();
      for (auto n = length(); n > 0; --n) {
        typename T::key_type key{};
        fill(key);
        fill(value[std::move(key)]);
      }
    } else if constexpr (shapes::sequence<T>) {
      value.clear();
      for (auto n = length(); n > 0; --n) {
        typename T::value_type one{};
        fill(one);
        value.insert(value.end(), std::move(one));
      }
    }
    // Enums keep their default, as their valid values are unknown. So do types with the user's
    // adaptor.
  }

  template <class T>
  void fill_variant(T& value) {
    const auto pick = deeper() ? random_.below(std::variant_size_v<T>) : 0;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (void)((pick == I && (fill(value.template emplace<I>()), true)) || ...);
    }(std::make_index_sequence<std::variant_size_v<T>>{});
  }

  [[nodiscard]] bool deeper() const { return depth_ <= depth_max; }
  std::uint64_t length() { return deeper() ? random_.below(4) : 0; }

  // Mostly small, one in eight at or next to an end of the range.
  template <class T>
  T integer() {
    using limits = std::numeric_limits<T>;
    const auto pick = random_.below(32);
    if (pick == 0) return limits::min();
    if (pick == 1) return limits::max();
    if (pick == 2) return static_cast<T>(limits::min() + 1);
    if (pick == 3) return static_cast<T>(limits::max() - 1);
    const auto bits = random_.below(limits::digits) + 1;
    const auto value = static_cast<T>(random_.next() >> (64 - bits));
    if constexpr (std::is_signed_v<T>) {
      if (random_.below(4) == 0) return static_cast<T>(-value);
    }
    return value;
  }

  // Numbers with two decimals, and the ends of the range; no NaN, since it equals nothing.
  template <class T>
  T floating() {
    using limits = std::numeric_limits<T>;
    constexpr std::array<T, 5> odd{limits::max(), limits::lowest(), limits::denorm_min(), T{-0.0},
                                   limits::epsilon()};
    const auto pick = random_.below(4 * odd.size());
    if (pick < odd.size()) return odd[pick];
    return static_cast<T>(integer<std::int32_t>()) / T{100};
  }

  std::string text() {
    constexpr std::array<std::string_view, 12> words{"tea",   "milk", "invoice", "Ada",
                                                     "Turin", "blue", "2026",    "EUR",
                                                     "a",     "the",  "refund",  "x-1"};
    const auto pick = random_.below(64);
    if (pick < odd_texts.size()) return std::string{odd_texts[pick]};
    if (pick == odd_texts.size()) return std::string(300, 'x');
    std::string made{words[random_.below(words.size())]};
    for (auto more = random_.below(3); more > 0; --more) {
      made += ' ';
      made += words[random_.below(words.size())];
    }
    return made;
  }

  // From 2000 to about 2040.
  template <class T>
  T time() {
    constexpr std::int64_t year_2000 = 946'684'800;
    constexpr std::int64_t second = 1'000'000;
    const std::chrono::microseconds since_1970{
        year_2000 * second + static_cast<std::int64_t>(random_.below(1'262'304'000 * second))};
    return T{std::chrono::duration_cast<typename T::duration>(since_1970)};
  }

  splitmix64& random_;
  int depth_;
  bool named_ = false;
};

}}}
