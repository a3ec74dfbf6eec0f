// The response of a handler, and the status of an error.
//
//   return http::response::json({{"cents", 500}}, 201);
//   return http::response::problem(404, "not_found", "there is no transfer " + id);
//   return nexus::fail(nexus::errc::rejected, "insufficient funds");   // a problem, 409
//
// Threads: values. Throws: only when memory runs out.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/answers.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace http {

using json = nlohmann::json;

struct response {
  int status = 200;
  std::string body{};
  std::string content_type{};  ///< of a body
  std::vector<std::pair<std::string, std::string>> headers{};

  /// Bytes in `value` that are not UTF-8 become U+FFFD.
  [[nodiscard]] static response json(const nlohmann::json& value, int status = 200);
  [[nodiscard]] static response text(std::string body, int status = 200);
  /// RFC 9457: describes the failure for programs (`title`) and for people.
  [[nodiscard]] static response problem(int status, std::string_view title,
                                        std::string_view detail);

  response&& with(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
};

/// The status of an error:
///
///   400  invalid_argument, invalid_id
///   404  not_found
///   409  rejected (unless the route or the server sets another, e.g. 422), unhandled, conflict,
///        constraint_violated
///   413  too_large
///   429  overloaded; with Retry-After
///   503  pool_exhausted, pool_closed, stopped, unavailable, serialization_failed; with Retry-After
///   504  timeout, outcome_unknown: the effect may have happened, or may still happen
///   500  everything else: details are in the server's log, the client gets none
///
/// `conflict` is 409 and not 503, since the client should look at the other writer's changes.
[[nodiscard]] int status_of(errc code, int rejected = 409) noexcept;

namespace detail {

template <class T>
struct is_result : std::false_type {};
template <class T>
struct is_result<result<T>> : std::true_type {};

/// The return value of a handler as a response: a response, an answer to wait for, a result, or
/// anything that nlohmann::json takes.
template <class T>
[[nodiscard]] result<response> to_response(T&& made) {
  using V = std::decay_t<T>;
  if constexpr (std::is_same_v<V, response>) {
    return std::forward<T>(made);
  } else if constexpr (nexus::detail::is_answer<V>) {
    return to_response(made.get());
  } else if constexpr (is_result<V>::value) {
    if (!made) return fail(std::move(made.error()));
    if constexpr (std::is_void_v<typename V::value_type>) {
      return response{.status = 204};
    } else {
      return to_response(*std::forward<T>(made));
    }
  } else {
    static_assert(std::is_constructible_v<nlohmann::json, T>,
                  "a handler returns an http::response, what nlohmann::json takes, an answer or a "
                  "result of one of these, or nothing");
    return response::json(nlohmann::json(std::forward<T>(made)));
  }
}

}
}}}  // namespace nexus::v0::http
