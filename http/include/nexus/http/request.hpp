// A request of a client.
//
//   auto name = request.param("name");              // of /accounts/{name}, percent-decoded
//   auto limit = request.query("limit");            // of ?limit=10
//   auto order = request.json<order>();             // by nlohmann::json's from_json
//
// Threads: a value that belongs to the request's handler.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace http {

using name_values = std::vector<std::pair<std::string, std::string>>;

struct request {
  std::string method{};   ///< as sent: GET and get differ
  std::string path{};     ///< as sent, without the query
  std::string body{};     ///< whole
  name_values headers{};  ///< in the order sent
  name_values queries{};  ///< decoded, in the order sent
  name_values params{};   ///< decoded, in the order of the path

  /// The first header of that name, ignoring case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;

  /// The first query parameter of that name.
  [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const noexcept;

  /// The part of the path for {name}. A name that the route does not have throws std::out_of_range,
  /// a 500; http::param is checked when the route is added.
  [[nodiscard]] std::string_view param(std::string_view name) const;

  /// The body as a `T`, or `invalid_argument`, a 400, which says what is wrong: invalid JSON,
  /// nested deeper than 64, a repeated key, a number that the type cannot hold. The last check
  /// writes the `T` back; for a type without to_json, from_json must do it.
  template <class T = nlohmann::json>
  [[nodiscard]] result<T> json() const {
    auto parsed = parse_json();
    if constexpr (std::is_same_v<T, nlohmann::json>) {
      return parsed;
    } else {
      if (!parsed) return fail(std::move(parsed.error()));
      try {
        auto made = parsed->template get<T>();
        if constexpr (std::is_constructible_v<nlohmann::json, const T&>) {
          const auto lost = what_was_lost(*parsed, nlohmann::json(std::as_const(made)));
          if (!lost.empty()) return fail(wrong_json(lost));
        }
        return made;
      } catch (const nlohmann::json::exception& e) {
        return fail(wrong_json(e.what()));
      }
    }
  }

 private:
  [[nodiscard]] result<nlohmann::json> parse_json() const;
  [[nodiscard]] static std::string what_was_lost(const nlohmann::json& sent,
                                                 const nlohmann::json& read);
  [[nodiscard]] static error wrong_json(std::string_view why);
};

/// The JSON body as a `T`, for handlers that declare it. An invalid body gets a 400, without a
/// call.
///
///   web.post("/transfers",
///            [](http::body<order> wanted) { return place(wanted->from, wanted->to); });
template <class T>
struct body {
  T value;

  [[nodiscard]] const T& operator*() const noexcept { return value; }
  [[nodiscard]] const T* operator->() const noexcept { return &value; }
};

}}}  // namespace nexus::v0::http
