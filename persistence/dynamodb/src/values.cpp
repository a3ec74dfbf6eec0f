#include "values.hpp"

#include <array>
#include <charconv>

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> values_of_digits() {
  std::array<std::int8_t, 256> made{};
  made.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    made[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
  }
  return made;
}
constexpr auto digit_values = values_of_digits();

const std::string* value_in(const json& item, const char* name, const char* type) {
  const auto found = item.find(name);
  if (found == item.end() || !found->is_object()) return nullptr;
  const auto value = found->find(type);
  if (value == found->end() || !value->is_string()) return nullptr;
  return value->get_ptr<const std::string*>();
}

template <class N>
std::optional<N> parsed(const std::string* text) {
  N number{};
  if (text == nullptr) return std::nullopt;
  const auto* const end = text->data() + text->size();
  const auto [at, why] = std::from_chars(text->data(), end, number);
  if (why != std::errc{} || at != end) return std::nullopt;
  return number;
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string made;
  made.reserve((bytes.size() + 2) / 3 * 4);
  const auto at = [bytes](std::size_t i) -> std::uint32_t {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0;
  };
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto three = at(i) << 16U | at(i + 1) << 8U | at(i + 2);
    made += digits[three >> 18U];
    made += digits[three >> 12U & 63U];
    made += i + 1 < bytes.size() ? digits[three >> 6U & 63U] : '=';
    made += i + 2 < bytes.size() ? digits[three & 63U] : '=';
  }
  return made;
}

std::optional<std::string> from_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string made;
  made.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const auto value = digit_values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    made += static_cast<char>(bits >> count & 255U);
  }
  return made;
}

std::optional<std::string> text_in(const json& item, const char* name) {
  const auto* text = value_in(item, name, "S");
  if (text == nullptr) return std::nullopt;
  return *text;
}

std::optional<std::uint64_t> number_in(const json& item, const char* name) {
  return parsed<std::uint64_t>(value_in(item, name, "N"));
}

std::optional<std::int64_t> signed_in(const json& item, const char* name) {
  return parsed<std::int64_t>(value_in(item, name, "N"));
}

std::optional<std::string> bytes_in(const json& item, const char* name) {
  const auto* text = value_in(item, name, "B");
  if (text == nullptr) return std::nullopt;
  return from_base64(*text);
}

std::uint64_t number_of_log(const json& item) {
  return parsed<std::uint64_t>(value_in(item, "s", "S")).value_or(0);
}

}}}  // namespace nexus::v0::dynamodb
