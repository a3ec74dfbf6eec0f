// Wraps a handler so that its request is one transaction.
//
//   web.put("/rooms/{number}", http::transactional(
//       [](const http::request& r, nexus::session& db) -> nexus::result<void> {
//         auto taken = db.execute("UPDATE rooms SET guest = $1 WHERE number = $2", r.body,
//                                 r.param("number"));
//         if (!taken) return nexus::fail(taken.error());
//         …
//       }));
//
// The transaction begins before the handler is called, on the request's session. It is committed
// before the response is sent if the handler returned a status below 400; otherwise, or if the
// handler throws, it is rolled back. A nexus::unit_of_work& that the handler declares is flushed
// before the commit. A failed commit becomes the response. A collision with another
// transaction is retried from the start, as nexus/transaction.hpp describes: the handler must not
// have other effects that cannot be repeated, so it should not send commands to entities.
//
// Threads: that of the handler. Failures: those of nexus/transaction.hpp and of the handler.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "nexus/http/detail/arguments.hpp"
#include "nexus/transaction.hpp"

namespace nexus { inline namespace v0 { namespace http {

namespace detail {

template <class F>
struct transactional_handler {
  F handler;
  transaction_options options;
};

template <class F>
struct handling<transactional_handler<F>> {
  static std::string missing(const resources& with, const route_names& route) {
    auto why = argument<session&>::missing(with, route);
    return why.empty() ? handling<F>::missing(with, route) : why;
  }

  static result<response> call(const transactional_handler<F>& f, exchange& e) {
    std::optional<response> refused;
    auto done = nexus::transactional(
        e.lent,
        [&](session&) -> result<response> {
          if (e.unit) e.unit->clear();  // of a try that collided
          auto made = handling<F>::call(f.handler, e);
          if (!made) return made;
          if (made->status < 400) {
            if (!e.unit) return made;
            if (auto flushed = e.unit->flush(); !flushed) return fail(std::move(flushed.error()));
            return made;
          }
          refused.emplace(*std::move(made));
          return fail(errc::rejected, "the handler's response undoes its transaction");
        },
        f.options);
    if (refused) return *std::move(refused);
    return done;
  }
};

}

template <class F>
[[nodiscard]] detail::transactional_handler<std::decay_t<F>> transactional(
    F&& handler, const transaction_options& options = {}) {
  return {std::forward<F>(handler), options};
}

}}}  // namespace nexus::v0::http
