#include "time_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

using namespace std::chrono;

// Takes characters from the front of a text.
struct scanner {
  std::string_view rest;

  bool take(char c) {
    if (!rest.starts_with(c)) return false;
    rest.remove_prefix(1);
    return true;
  }
  std::optional<int> digits(std::size_t least, std::size_t most) {
    int value = 0;
    std::size_t n = 0;
    for (; n < most && n < rest.size() && rest[n] >= '0' && rest[n] <= '9'; ++n) {
      value = value * 10 + (rest[n] - '0');
    }
    if (n < least) return std::nullopt;
    rest.remove_prefix(n);
    return value;
  }
};

std::optional<sys_days> day_in(scanner& from) {
  const auto y = from.digits(4, 4);
  if (!y || !from.take('-')) return std::nullopt;
  const auto m = from.digits(2, 2);
  if (!m || !from.take('-')) return std::nullopt;
  const auto d = from.digits(2, 2);
  if (!d) return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*m)},
                            day{static_cast<unsigned>(*d)}};
  if (!date.ok()) return std::nullopt;
  return sys_days{date};
}

// Digits behind the point beyond microseconds are cut off.
std::optional<microseconds> fraction_in(scanner& from) {
  if (!from.take('.')) return microseconds{0};
  const auto before = from.rest.size();
  auto value = from.digits(1, 6);
  if (!value) return std::nullopt;
  auto read = before - from.rest.size();
  for (; read < 6; ++read) *value *= 10;
  (void)from.digits(0, 3);
  return microseconds{*value};
}

std::optional<microseconds> time_of_day_in(scanner& from) {
  const auto h = from.digits(2, 2);
  if (!h || *h > 24 || !from.take(':')) return std::nullopt;
  const auto m = from.digits(2, 2);
  if (!m || *m > 59) return std::nullopt;
  int s = 0;
  if (from.take(':')) {
    const auto read = from.digits(2, 2);
    if (!read || *read > 60) return std::nullopt;
    s = *read;
  }
  const auto part = fraction_in(from);
  if (!part) return std::nullopt;
  return hours{*h} + minutes{*m} + seconds{s} + *part;
}

std::optional<seconds> offset_in(scanner& from) {
  if (from.rest.empty() || from.take('Z')) return seconds{0};
  const bool west = from.rest.starts_with('-');
  if (!from.take('+') && !from.take('-')) return std::nullopt;
  const auto h = from.digits(2, 2);
  if (!h) return std::nullopt;
  auto all = seconds{hours{*h}};
  for (const auto unit : {seconds{60}, seconds{1}}) {
    if (from.rest.empty()) break;
    (void)from.take(':');
    const auto more = from.digits(2, 2);
    if (!more) return std::nullopt;
    all += *more * unit;
  }
  return west ? -all : all;
}

}  // namespace

std::string text_of(timestamp time) {
  const auto midnight = floor<days>(time);
  const year_month_day date{midnight};
  const hh_mm_ss within{time - midnight};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", int{date.year()},
                     unsigned{date.month()}, unsigned{date.day()}, within.hours().count(),
                     within.minutes().count(), within.seconds().count(),
                     within.subseconds().count());
}

std::optional<timestamp> time_in(std::string_view text) {
  scanner from{text};
  const auto midnight = day_in(from);
  if (!midnight) return std::nullopt;
  if (from.rest.empty()) return timestamp{*midnight};
  if (!from.take('T') && !from.take(' ')) return std::nullopt;
  const auto within = time_of_day_in(from);
  if (!within) return std::nullopt;
  const auto offset = offset_in(from);
  if (!offset || !from.rest.empty()) return std::nullopt;
  return timestamp{*midnight} + *within - *offset;
}

}}}  // namespace nexus::v0::detail
