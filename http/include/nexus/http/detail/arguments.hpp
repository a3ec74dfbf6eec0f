// Makes the arguments that a handler declares.
#pragma once

#include <algorithm>
#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "nexus/http/detail/exchange.hpp"
#include "nexus/http/entity.hpp"
#include "nexus/http/param.hpp"

namespace nexus { inline namespace v0 { namespace http::detail {

// For each parameter type: `missing` says why a route cannot provide it, "" if it can; `take` makes
// it for a request, as a pointer where the parameter is a reference.
template <class P>
struct argument {
  static_assert(sizeof(P) == 0,
                "a handler takes const http::request&, nexus::session& or what the pool lends, "
                "http::entity<B>, http::entities<B>, http::param<\"name\", T> and http::body<T>");
};

template <>
struct argument<const request&> {
  static std::string missing(const resources&, const route_names&) { return {}; }
  static result<const request*> take(exchange& e) { return &e.asked; }
};

template <>
struct argument<session&> {
  static std::string missing(const resources& with, const route_names&) {
    return with.lend ? "" : "a session, but the server has no pool of sessions";
  }
  static result<session*> take(exchange& e) { return &e.lent; }
};

// A session type of the pool, e.g. one that reads a journal: borrowed before the handler is called.
template <std::derived_from<session> S>
struct argument<S&> {
  static std::string missing(const resources& with, const route_names&) {
    if (with.session_type != nullptr && *with.session_type == typeid(S)) return {};
    return "a session of another type than the server's pool lends";
  }
  static result<S*> take(exchange& e) {
    auto lent = e.lent.borrowed();
    if (!lent) return fail(std::move(lent.error()));
    return static_cast<S*>(*lent);
  }
};

template <class B>
std::string missing_entities(const resources& with) {
  if (with.entities.contains(&nexus::detail::behavior_tag<B>)) return {};
  return "entities of \"" + std::string{B::entity_type} + "\", which the server does not use";
}

template <class B>
struct argument<entities<B>> {
  static std::string missing(const resources& with, const route_names&) {
    return missing_entities<B>(with);
  }
  static result<entities<B>> take(exchange& e) {
    return entities<B>{e.with.entities.at(&nexus::detail::behavior_tag<B>), e.header};
  }
};

// The entity of the path parameter with the behavior's name; of a single parameter, whatever its
// name.
template <class B>
struct argument<entity<B>> {
  static std::string missing(const resources& with, const route_names& route) {
    const auto& names = route.params;
    if (names.size() == 1 || std::find(names.begin(), names.end(), B::entity_type) != names.end()) {
      return missing_entities<B>(with);
    }
    return "an entity, but no parameter of the path is {" + std::string{B::entity_type} + "}";
  }
  static result<entity<B>> take(exchange& e) {
    const auto& all = e.asked.params;
    const auto id =
        all.size() == 1 ? std::string_view{all[0].second} : e.asked.param(B::entity_type);
    return entity<B>{e.with.entities.at(&nexus::detail::behavior_tag<B>), id, e.header};
  }
};

template <param_name Name, class T>
struct argument<param<Name, T>> {
  static std::string missing(const resources&, const route_names& route) {
    const auto& names = route.params;
    if (std::find(names.begin(), names.end(), Name.view()) != names.end()) return {};
    return "a parameter {" + std::string{Name.view()} + "}, which the path does not have";
  }
  static result<param<Name, T>> take(exchange& e) {
    auto read = read_param<T>(Name.view(), e.asked.param(Name.view()));
    if (!read) return fail(std::move(read.error()));
    return param<Name, T>{*std::move(read)};
  }
};

template <class T>
struct argument<body<T>> {
  static std::string missing(const resources&, const route_names&) { return {}; }
  static result<body<T>> take(exchange& e) {
    auto read = e.asked.json<T>();
    if (!read) return fail(std::move(read.error()));
    return body<T>{*std::move(read)};
  }
};

// `const entities<B>&` and the like work like the value.
template <class P>
  requires std::same_as<P, const std::remove_cvref_t<P>&> &&
           requires { argument<std::remove_cvref_t<P>>::take; }
struct argument<P> : argument<std::remove_cvref_t<P>> {};

template <class P, class Taken>
decltype(auto) passed(Taken& taken) {
  if constexpr (std::is_pointer_v<std::remove_reference_t<decltype(*taken)>>) {
    return static_cast<P>(**taken);
  } else {
    return static_cast<const std::remove_cvref_t<P>&>(*taken);
  }
}

template <class Function>
struct calling;
template <class R, class... P>
struct calling<std::function<R(P...)>> {
  static std::string missing(const resources& with, const route_names& route) {
    std::string why;
    // The first missing parameter.
    (void)((why = argument<P>::missing(with, route), !why.empty()) || ...);
    return why;
  }

  /// Calls `f` with its arguments, or returns the error of the first argument that cannot be
  /// provided.
  template <class F>
  static result<response> call(const F& f, exchange& e) {
    std::tuple taken{argument<P>::take(e)...};
    return [&]<std::size_t... i>(std::index_sequence<i...>) -> result<response> {
      const error* why = nullptr;
      (void)((std::get<i>(taken) ? false : (why = &std::get<i>(taken).error(), true)) || ...);
      if (why != nullptr) return fail(*why);
      if constexpr (std::is_void_v<R>) {
        f(passed<P>(std::get<i>(taken))...);
        return response{.status = 204};
      } else {
        return to_response(f(passed<P>(std::get<i>(taken))...));
      }
    }(std::index_sequence_for<P...>{});
  }
};

/// A handler of any kind, with `missing` and `call` as above.
template <class F>
struct handling : calling<decltype(std::function{std::declval<F>()})> {};

}}}
