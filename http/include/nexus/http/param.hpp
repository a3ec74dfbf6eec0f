// A parameter of the path, declared by a handler with its name and type.
//
//   web.get("/rooms/{number}/beds/{bed}",
//           [](http::param<"number", int> room, http::param<"bed"> bed) {
//             return show(*room, *bed);
//           });
//
// The name is checked when the route is added. Text that is not such a number, or does not fit it,
// gets a 400, and the handler is not called.
//
// Threads: a value that belongs to the request's handler.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace http {

namespace detail {

/// A string as a template argument.
template <std::size_t N>
struct param_name {
  char text[N];
  // NOLINTNEXTLINE(google-explicit-constructor): as in param<"name">
  consteval param_name(const char (&from)[N]) : text{} { std::copy_n(from, N, text); }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text, N - 1}; }
};

template <class T>
concept param_type = std::same_as<T, std::string> || std::same_as<T, bool> ||
                     ((std::integral<T> || std::floating_point<T>)&&!std::same_as<T, char>);

template <param_type T>
[[nodiscard]] result<T> read_param(std::string_view name, std::string_view text) {
  if constexpr (std::same_as<T, std::string>) {
    return std::string{text};
  } else if constexpr (std::same_as<T, bool>) {
    if (text == "true" || text == "false") return text == "true";
  } else {
    T made{};
    const auto* const end = text.data() + text.size();
    const auto [at, why] = std::from_chars(text.data(), end, made);
    if (why == std::errc{} && at == end && std::isfinite(made)) return made;
  }
  return fail(errc::invalid_argument,
              "the path's " + std::string{name} + " cannot be \"" + std::string{text} + "\"");
}

}

template <detail::param_name Name, detail::param_type T = std::string>
struct param {
  static constexpr std::string_view name = Name.view();

  T value;

  [[nodiscard]] const T& operator*() const noexcept { return value; }
  [[nodiscard]] const T* operator->() const noexcept { return &value; }
};

}}}  // namespace nexus::v0::http
