// Makes the arguments that a handler declares.
#pragma once

#include <algorithm>
#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "nexus/http/detail/exchange.hpp"
#include "nexus/http/entity.hpp"
#include "nexus/http/param.hpp"

namespace nexus { inline namespace v0 { namespace http::detail {

// For each parameter type: `missing` says why a route cannot provide it, "" if it can. An object is
// the argument for one request: `why` is its error, null if there is none, and `pass` gives it to
// the handler.
template <class P>
struct argument {
  static_assert(sizeof(P) == 0,
                "a handler takes const http::request&, nexus::session& or what the pool lends, "
                "nexus::unit_of_work&, http::entity<B>, http::entities<B>, http::param<\"name\", "
                "T> and http::body<T>");
};

template <>
struct argument<const request&> {
  static std::string missing(const resources&, const route_names&) { return {}; }

  explicit argument(exchange& e) : asked{e.asked} {}
  static const error* why() { return nullptr; }
  const request& pass() { return asked; }

  const request& asked;
};

template <>
struct argument<session&> {
  static std::string missing(const resources& with, const route_names&) {
    return with.lend ? "" : "a session, but the server has no pool of sessions";
  }

  explicit argument(exchange& e) : lent{e.lent} {}
  static const error* why() { return nullptr; }
  session& pass() { return lent; }

  session& lent;
};

// The unit of the request, on its session. A transactional handler flushes it.
template <>
struct argument<unit_of_work&> {
  static std::string missing(const resources& with, const route_names&) {
    return with.lend ? "" : "a unit of work, but the server has no pool of sessions";
  }

  explicit argument(exchange& e) : unit{e.work()} {}
  static const error* why() { return nullptr; }
  unit_of_work& pass() { return unit; }

  unit_of_work& unit;
};

// A session type of the pool, e.g. one that reads a journal: borrowed before the handler is called.
template <std::derived_from<session> S>
struct argument<S&> {
  static std::string missing(const resources& with, const route_names&) {
    if (with.session_type != nullptr && *with.session_type == typeid(S)) return {};
    return "a session of another type than the server's pool lends";
  }

  explicit argument(exchange& e) : lent{e.lent.borrowed()} {}
  const error* why() const { return lent ? nullptr : &lent.error(); }
  S& pass() { return static_cast<S&>(**lent); }

  result<session*> lent;
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

  explicit argument(exchange& e)
      : all{e.with.entities.at(&nexus::detail::behavior_tag<B>), e.header} {}
  static const error* why() { return nullptr; }
  const entities<B>& pass() { return all; }

  entities<B> all;
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

  explicit argument(exchange& e)
      : one{e.with.entities.at(&nexus::detail::behavior_tag<B>), id_of(e.asked), e.header} {}
  static const error* why() { return nullptr; }
  const entity<B>& pass() { return one; }

  entity<B> one;

 private:
  static std::string_view id_of(const request& asked) {
    const auto& all = asked.params;
    return all.size() == 1 ? std::string_view{all[0].second} : asked.param(B::entity_type);
  }
};

template <param_name Name, class T>
struct argument<param<Name, T>> {
  static std::string missing(const resources&, const route_names& route) {
    const auto& names = route.params;
    if (std::find(names.begin(), names.end(), Name.view()) != names.end()) return {};
    return "a parameter {" + std::string{Name.view()} + "}, which the path does not have";
  }

  explicit argument(exchange& e) : read{read_param<T>(Name.view(), e.asked.param(Name.view()))} {}
  const error* why() const { return read ? nullptr : &read.error(); }
  param<Name, T> pass() { return {*std::move(read)}; }

  result<T> read;
};

template <class T>
struct argument<body<T>> {
  static std::string missing(const resources&, const route_names&) { return {}; }

  explicit argument(exchange& e) : read{e.asked.json<T>()} {}
  const error* why() const { return read ? nullptr : &read.error(); }
  body<T> pass() { return {*std::move(read)}; }

  result<T> read;
};

// `const entities<B>&` and the like work like the value.
template <class P>
  requires std::same_as<P, const std::remove_cvref_t<P>&> &&
           requires { &argument<std::remove_cvref_t<P>>::pass; }
struct argument<P> : argument<std::remove_cvref_t<P>> {
  using argument<std::remove_cvref_t<P>>::argument;
};

/// A call with its arguments, or the error of the first argument that cannot be provided. A
/// constructor, since `{}` makes its arguments in their order.
template <class R>
struct handler_call {
  template <class F, class... Argument>
  explicit handler_call(const F& f, Argument&&... each) {
    const error* why = nullptr;
    (void)(((why = each.why()) != nullptr) || ...);
    if (why != nullptr) {
      made = fail(*why);
    } else if constexpr (std::is_void_v<R>) {
      f(each.pass()...);
    } else {
      made = to_response(f(each.pass()...));
    }
  }

  result<response> made{response{.status = 204}};
};

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

  template <class F>
  static result<response> call(const F& f, exchange& e) {
    return handler_call<R>{f, argument<P>{e}...}.made;
  }
};

/// A handler of any kind, with `missing` and `call` as above.
template <class F>
struct handling : calling<decltype(std::function{std::declval<F>()})> {};

}}}
