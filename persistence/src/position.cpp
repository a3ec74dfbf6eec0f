#include "nexus/position.hpp"

#include <fmt/format.h>

#include <charconv>

#include "text.hpp"

namespace nexus { inline namespace v0 {
namespace {

// Takes one part of the text and the '-' behind it.
template <class Number>
bool take(std::string_view& text, Number& into, int base, bool last = false) {
  const auto* end = text.data() + text.size();
  const auto [at, why] = std::from_chars(text.data(), end, into, base);
  if (why != std::errc{} || last != (at == end) || (!last && *at != '-')) return false;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()) + (last ? 0 : 1));
  return true;
}

}  // namespace

result<position> position::parse(std::string_view text) {
  position made;
  auto rest = text;
  const bool read = take(rest, made.epoch, 16) && take(rest, made.strand, 10) &&
                    take(rest, made.major, 10) && take(rest, made.minor, 10, true);
  const bool is_one = !made.is_start() || (made.major == 0 && made.minor == 0);
  // So that every position has one text.
  if (!read || !is_one || to_string(made) != text) {
    return fail(errc::invalid_argument, fmt::format("\"{}\" is not a position", shown(text)));
  }
  return made;
}

std::string to_string(const position& p) {
  return fmt::format("{:x}-{}-{}-{}", p.epoch, p.strand, p.major, p.minor);
}

}}  // namespace nexus::v0
