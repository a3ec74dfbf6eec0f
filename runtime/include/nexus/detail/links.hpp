// The links of a chain of answers (map, and_then, or_else), and the traits that detect answer
// types.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "nexus/detail/collecting.hpp"

namespace nexus { inline namespace v0 {

template <class R>
class asked;
template <class R>
class answer;

namespace detail {

template <class T>
struct answer_value {};
template <class R>
struct answer_value<asked<R>> {
  using type = R;
};
template <class R>
struct answer_value<answer<R>> {
  using type = R;
};
template <class T>
using answer_value_t = typename answer_value<T>::type;

template <class T>
concept is_answer = requires { typename answer_value<T>::type; };

template <class R>
class asked_source;

/// Gets the source out of an answer.
struct source_access {
  template <class R>
  static std::unique_ptr<source<R>> of(answer<R> a) {
    return std::move(a.from_);
  }
  template <class R>
  static std::unique_ptr<source<R>> of(asked<R> a) {
    return std::make_unique<asked_source<R>>(std::move(a));
  }
};

/// The leaf of a chain: a question.
template <class R>
class asked_source final : public source<R>, open_question {
 public:
  explicit asked_source(asked<R> a) : asked_{std::move(a)} {}

  [[nodiscard]] bool is_answered() const override { return asked_.is_answered(); }
  void start(collecting& in, receiver<R>& to) override {
    to_ = &to;
    in.await(*asked_.call_, *this);
  }

 private:
  void answered() override { to_->receive(asked_.take()); }
  void unanswered(error why) override { to_->receive(fail(std::move(why))); }

  asked<R> asked_;
  receiver<R>* to_ = nullptr;
};

/// The return type of `f` for the value of a result.
template <class F, class R>
struct returned {
  using type = std::invoke_result_t<F&, R>;
};
template <class F>
struct returned<F, void> {
  using type = std::invoke_result_t<F&>;
};
template <class F, class R>
using returned_t = typename returned<F, R>::type;

template <class R, class F>
decltype(auto) call_with_value(F& f, result<R>&& r) {
  if constexpr (std::is_void_v<R>) {
    return std::invoke(f);
  } else {
    return std::invoke(f, std::move(*r));
  }
}

/// The types that a function of a chain may return: a result, or another answer.
template <class X>
struct next_of {};
template <class R>
struct next_of<result<R>> {
  using value = R;
  using type = result<R>;
};
template <is_answer A>
struct next_of<A> {
  using value = answer_value_t<A>;
  using type = std::unique_ptr<source<value>>;
};

template <class R, class F>
struct mapping {
  using value = std::remove_cvref_t<returned_t<F, R>>;
  F f;

  result<value> operator()(result<R> r) {
    if (!r) return fail(std::move(r.error()));
    if constexpr (std::is_void_v<value>) {
      call_with_value(f, std::move(r));
      return {};
    } else {
      return call_with_value(f, std::move(r));
    }
  }
};

template <class R, class F>
struct continuing {
  using next = std::remove_cvref_t<returned_t<F, R>>;
  static_assert(
      is_answer<next> || requires { typename next_of<next>::value; },
      "and_then takes a function that returns a result, an asked or an answer");
  using value = typename next_of<next>::value;
  F f;

  typename next_of<next>::type operator()(result<R> r) {
    if constexpr (is_answer<next>) {
      if (!r) return std::make_unique<ready<value>>(fail(std::move(r.error())));
      return source_access::of(call_with_value(f, std::move(r)));
    } else {
      if (!r) return fail(std::move(r.error()));
      return call_with_value(f, std::move(r));
    }
  }
};

template <class R, class F>
struct mending {
  using next = std::remove_cvref_t<std::invoke_result_t<F&, error>>;
  static_assert(
      is_answer<next> || std::is_convertible_v<next, result<R>>,
      "or_else takes a function that returns a result, an asked or an answer of the same");
  using value = R;
  F f;

  auto operator()(result<R> r) {
    if constexpr (is_answer<next>) {
      static_assert(std::is_same_v<answer_value_t<next>, R>, "or_else answers what it mends");
      if (r) return std::unique_ptr<source<R>>{std::make_unique<ready<R>>(std::move(r))};
      return source_access::of(std::invoke(f, std::move(r.error())));
    } else {
      return r ? std::move(r) : result<R>{std::invoke(f, std::move(r.error()))};
    }
  }
};

template <class T, class F>
answer<typename F::value> linked(std::unique_ptr<source<T>> from, F f) {
  using U = typename F::value;
  return answer<U>{std::make_unique<link<T, U, F>>(std::move(from), std::move(f))};
}

}
}}  // namespace nexus::v0
