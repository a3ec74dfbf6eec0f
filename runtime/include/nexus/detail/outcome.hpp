// Turns the outcome of a function that returns nothing, a value or a result into a result.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

namespace detail {

template <class R>
struct outcome {
  using type = result<R>;
};
template <class T>
struct outcome<result<T>> {
  using type = result<T>;
};

}

/// result<T> for a function that returns T, result<T>, or nothing (T is void then).
template <class F, class... A>
using outcome_of = typename detail::outcome<std::decay_t<std::invoke_result_t<F, A...>>>::type;

template <class F, class... A>
auto call_for_outcome(F&& f, A&&... with) -> outcome_of<F, A...> {
  if constexpr (std::is_void_v<std::invoke_result_t<F, A...>>) {
    std::invoke(std::forward<F>(f), std::forward<A>(with)...);
    return {};
  } else {
    return std::invoke(std::forward<F>(f), std::forward<A>(with)...);
  }
}

}}  // namespace nexus::v0
