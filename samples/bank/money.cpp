#include "money.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace bank {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

nexus::result<std::int64_t> parse_hundredths(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return nexus::fail(nexus::errc::invalid_argument,
                       fmt::format("\"{}\" {}", printable(text, 40), why));
  };
  if (text.empty()) return bad("is not an amount");
  std::string_view rest = text;
  const bool negative = rest.front() == '-';
  if (negative || rest.front() == '+') rest.remove_prefix(1);

  const auto point = rest.find('.');
  const auto whole = rest.substr(0, point);
  auto decimals = point == std::string_view::npos ? std::string_view{} : rest.substr(point + 1);
  for (char c : whole) {
    if (!is_digit(c)) return bad("is not an amount");
  }
  for (char c : decimals) {
    if (!is_digit(c)) return bad("is not an amount");
  }
  if (whole.empty() || (point != std::string_view::npos && decimals.empty())) {
    return bad("is not an amount");
  }
  if (decimals.size() > 2) return bad("has more than two decimals");

  // Counts down from zero for negative amounts, so that the most negative one can be read too.
  std::int64_t amount = 0;
  auto push = [&](int digit) {
    return !__builtin_mul_overflow(amount, 10, &amount) &&
           !__builtin_add_overflow(amount, negative ? -digit : digit, &amount);
  };
  for (std::string_view part : {whole, decimals}) {
    for (char c : part) {
      if (!push(c - '0')) return bad("is too large");
    }
  }
  for (auto missing = decimals.size(); missing < 2; ++missing) {
    if (!push(0)) return bad("is too large");
  }
  return amount;
}

std::string format_hundredths(std::int64_t amount) {
  const auto bits = static_cast<std::uint64_t>(amount);
  const std::uint64_t size = amount < 0 ? 0 - bits : bits;
  return fmt::format("{}{}.{:02}", amount < 0 ? "-" : "", size / 100, size % 100);
}

}  // namespace bank
