#include "json_reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <vector>

namespace nexus { inline namespace v0 { namespace http {
namespace {

using nlohmann::json;

constexpr std::size_t depth_max = 64;
constexpr double exact_max = 9007199254740992.0;  // 2^53: above it whole numbers have gaps

// Ends the parsing with an error text.
struct refused {
  std::string why;
};

class strict_reading {
 public:
  bool operator()(int, json::parse_event_t what, const json& parsed) {
    switch (what) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        if (open_.size() == depth_max) {
          throw refused{fmt::format("it is nested deeper than {}", depth_max)};
        }
        open_.emplace_back();
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        open_.pop_back();
        break;
      case json::parse_event_t::key:
        if (const auto& key = parsed.get_ref<const std::string&>();
            !open_.back().insert(key).second) {
          throw refused{fmt::format("the key \"{}\" is twice in an object", key)};
        }
        break;
      default:
        break;
    }
    return true;
  }

 private:
  std::vector<std::set<std::string>> open_;  // the open arrays and objects, with their keys
};

bool same_whole(const json& a, const json& b) {
  const auto is_big = [](const json& one) {
    return one.is_number_unsigned() && one.get<std::uint64_t>() > INT64_MAX;
  };
  return is_big(a) == is_big(b) && a.get<std::uint64_t>() == b.get<std::uint64_t>();
}

bool is_exactly(const json& whole, double value) {
  if (value != std::trunc(value)) return false;
  if (whole.is_number_unsigned()) {
    return value >= 0 && value < 0x1p64 &&
           static_cast<std::uint64_t>(value) == whole.get<std::uint64_t>();
  }
  return value >= -0x1p63 && value < 0x1p63 &&
         static_cast<std::int64_t>(value) == whole.get<std::int64_t>();
}

// A fraction must be the nearest value of its type, which may be float; a whole number must be
// equal.
bool same_number(const json& sent, const json& read) {
  if (!sent.is_number_float()) {
    return read.is_number_float() ? is_exactly(sent, read.get<double>()) : same_whole(sent, read);
  }
  const auto was = sent.get<double>();
  if (!read.is_number_float()) return std::abs(was) < exact_max && is_exactly(read, was);
  const auto is = read.get<double>();
  if (was == is) return true;
  constexpr double most = std::numeric_limits<float>::max();
  return was != 0 && is != 0 && std::abs(was) <= most && std::abs(is) <= most &&
         static_cast<float>(was) == static_cast<float>(is);
}

// For types that sort their elements, or keep one of equal ones.
bool same_elements(json sent, json read) {
  if (sent.size() < read.size()) return false;
  const bool drops_equal_ones = sent.size() != read.size();
  for (auto* all : {&sent, &read}) {
    std::sort(all->begin(), all->end());
    if (drops_equal_ones) all->erase(std::unique(all->begin(), all->end()), all->end());
  }
  // Nested values are compared only by ==: looking into them again would double the work per level.
  return std::equal(sent.begin(), sent.end(), read.begin(), read.end(),
                    [](const json& a, const json& b) {
                      return a.is_number() && b.is_number() ? same_number(a, b) : a == b;
                    });
}

std::string place(const json::json_pointer& at) {
  return at.empty() ? std::string{} : "at " + at.to_string() + " ";
}

std::string shown(const json& one) {
  constexpr std::size_t shown_max = 100;
  auto text = one.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > shown_max) text = text.substr(0, shown_max) + "…";
  return text;
}

std::string difference(const json& sent, const json& read, const json::json_pointer& at);

std::string difference_of_elements(const json& sent, const json& read,
                                   const json::json_pointer& at) {
  std::string first;
  for (std::size_t i = 0; i < std::min(sent.size(), read.size()) && first.empty(); ++i) {
    first = difference(sent[i], read[i], at / i);
  }
  if (first.empty() && sent.size() == read.size()) return {};
  if (same_elements(sent, read)) return {};
  if (!first.empty()) return first;
  return fmt::format("{}{} elements would be read as {}", place(at), sent.size(), read.size());
}

std::string difference_of_members(const json& sent, const json& read,
                                  const json::json_pointer& at) {
  for (const auto& [key, value] : read.items()) {
    const auto was = sent.find(key);
    if (was == sent.end()) continue;
    if (auto why = difference(*was, value, at / key); !why.empty()) return why;
  }
  return {};
}

std::string difference(const json& sent, const json& read, const json::json_pointer& at) {
  if (sent.is_array() && read.is_array()) return difference_of_elements(sent, read, at);
  if (sent.is_object() && read.is_object()) return difference_of_members(sent, read, at);
  const bool is_same = [&] {
    if (sent.is_number() && read.is_number()) return same_number(sent, read);
    if (sent.is_string() && read.is_string()) return sent == read;
    // true becomes 1, which nlohmann::json allows for a number
    return !(sent.is_boolean() && read.is_number());
  }();
  if (is_same) return {};
  return fmt::format("{}{} would be read as {}", place(at), shown(sent), shown(read));
}

}  // namespace

tl::expected<json, std::string> read_json(std::string_view text) {
  strict_reading strictly;
  try {
    return json::parse(text, std::ref(strictly));
  } catch (const refused& why) {
    return tl::unexpected{why.why};
  } catch (const json::exception& why) {
    return tl::unexpected{std::string{why.what()}};
  }
}

std::string first_difference(const json& sent, const json& read) {
  return difference(sent, read, json::json_pointer{});
}

}}}  // namespace nexus::v0::http
