// The name under which an entity's history is stored: `type|id`, as in "account|alice".
//
// A persistence id is valid UTF-8 of 1 to 255 bytes without NUL, compared bytewise; its type is not
// empty and contains no `|`. Anything else is refused when the id is made, so backends never see
// it.
//
// Threads: a value. Failures: `invalid_id`, which names the id and what is wrong with it.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

class persistence_id {
 public:
  static constexpr std::size_t bytes_max = 255;
  static constexpr std::uint32_t slices = 1024;

  /// Joins `type` and `id`; an empty `id` is an error.
  [[nodiscard]] static result<persistence_id> make(std::string_view type, std::string_view id);

  /// Checks a whole `type|id`.
  [[nodiscard]] static result<persistence_id> parse(std::string_view text);

  [[nodiscard]] const std::string& str() const noexcept { return text_; }
  [[nodiscard]] std::string_view type() const noexcept {
    return std::string_view{text_}.substr(0, text_.find('|'));
  }
  [[nodiscard]] std::string_view id() const noexcept {
    return std::string_view{text_}.substr(text_.find('|') + 1);
  }

  /// FNV-1a-64 of the bytes mod 1,024: the slice of the key space that the id belongs to.
  [[nodiscard]] std::uint32_t slice() const noexcept;

  friend auto operator<=>(const persistence_id&, const persistence_id&) = default;

 private:
  explicit persistence_id(std::string text) : text_{std::move(text)} {}

  std::string text_;
};

}}  // namespace nexus::v0
