// An HTTP server whose handlers get what they declare.
//
//   nexus::http::server web{sys, {.port = 8080}};
//   web.use(store);      // sessions of its pool
//   web.use(accounts);   // entities<account>
//   web.get("/accounts/{name}", [](http::entity<account> one) { return one.ask(account::balance{}); });
//   web.get("/rooms", [](nexus::session& db) { return names_of(db.query<std::string>("SELECT …")); });
//   if (auto started = web.start(); !started) return complain(started.error().message);
//
// A handler takes, in any order, any of
//
//   const http::request&      what was asked for
//   nexus::session&           the request's session: borrowed from the pool when it is first used, within
//                             the request's deadline, returned when the handler is done. If none became
//                             free its calls answer `pool_exhausted`
//   S&                        what the pool lends, e.g. journal_session: borrowed before the handler is called
//   http::entity<B>           the entity that the path's parameter names
//   http::entities<B>         all of them
//   http::param<"name", T>    the part of the path that stands for {name}, as a T
//   http::body<T>             the JSON body as a T
//
// and returns an http::response, anything that nlohmann::json takes, an `asked` or `answer`, a result of
// one of these, or nothing (204). Errors become application/problem+json: http/response.hpp has the
// table. What a handler throws is a 500, and logged.
//
// Deadline: the header X-Request-Timeout ("250ms", "2s") or the server's default bounds borrowing, is
// the deadline of what entities are asked, and interrupts what the request's session does. Trace: a valid
// W3C traceparent goes on to what is asked, and comes back under a new parent id; otherwise a new trace begins.
//
// Threads: a handler runs on one of the server's and may block; many run at the same time. `use` and
// routes come before `start`. Bounds: threads (one connection each, also while it is kept alive),
// connections that wait, sizes, times. A connection that finds too many waiting gets a 503; one that says
// nothing ends when another one waits. A request that is malformed is a 400 and ends its connection. Put a
// proxy before it that ends TLS and slow clients.
// Shutdown: takes part in system::shutdown; requests that it has admitted are finished.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "nexus/entities.hpp"
#include "nexus/http/detail/arguments.hpp"
#include "nexus/http/transactional.hpp"
#include "nexus/pool.hpp"
#include "nexus/store.hpp"
#include "nexus/system.hpp"

namespace nexus::inline v0::http {

struct server_options {
  std::string address = "127.0.0.1";  ///< whoever can reach it reads metrics, too
  std::uint16_t port = 8080;          ///< 0: one that is free
  unsigned threads = 16;              ///< 10,000 at most
  std::size_t waiting_max = 128;      ///< connections that wait for a thread
  unsigned backlog = 1'024;           ///< connections that the system keeps for us

  std::size_t head_bytes_max = std::size_t{64} << 10;  ///< request line and headers; 16 MiB at most
  std::size_t target_bytes_max = std::size_t{8} << 10;  ///< path and query; likewise
  std::size_t body_bytes_max = std::size_t{1} << 20;
  std::chrono::milliseconds read_timeout{10'000};  ///< for a request to come as a whole
  std::chrono::milliseconds write_timeout{10'000};
  std::chrono::milliseconds keep_alive{5'000};  ///< without a request
  unsigned keep_alive_requests = 1'000;         ///< at least 1

  std::string deadline_header = "X-Request-Timeout";  ///< empty: none
  std::chrono::milliseconds timeout{30'000};          ///< of a request that has none; above 0
  std::chrono::milliseconds timeout_max{300'000};     ///< a longer one is cut to this
  std::chrono::milliseconds borrow_timeout{5'000};    ///< for a session, within the deadline

  int rejected = 409;                   ///< the status of errc::rejected, 400 to 499
  std::chrono::seconds retry_after{1};  ///< in 429 and 503

  std::string metrics_path = "/metrics";  ///< Prometheus's text; empty: none
  std::string health_path = "/health";    ///< 200 or 503, with JSON; empty: none
};

struct route_options {
  int rejected = 0;  ///< the status of errc::rejected; 0: the server's
};

namespace detail {
class server_core;
}

class server {
 public:
  explicit server(system& sys, server_options options = {});

  /// Refuses new requests, waits for those that are being answered, and stops.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Sessions for handlers come from the store's pool; /health tells of it and of its circuit breaker.
  /// The store's metrics are shown with the system's.
  void use(const store& s);

  /// Likewise of a pool of one's own. One pool per server, which keeps it open.
  template <class S>
  void use(const pool<S>& sessions) {
    lend(
        typeid(S),
        [sessions](const borrow_options& how) -> result<detail::lent_session> {
          auto lent = sessions.borrow(how);
          if (!lent) return fail(std::move(lent.error()));
          auto kept = std::make_shared<lease<S>>(*std::move(lent));
          return detail::lent_session{kept, &**kept};
        },
        [sessions] { return sessions.statistics(); });
  }

  template <behavior B>
  void use(const nexus::entities<B>& all) {
    lead_to(B::entity_type, &nexus::detail::behavior_tag<B>, all.status());
  }

  // Adds a route. A `{name}` stands for one part of the path, not empty, percent-decoded; what is spelled
  // out comes before it. HEAD is answered as GET, OPTIONS by what there is. Fails with `invalid_argument`
  // if the handler declares what the server was not given or the path does not have, the pattern makes
  // no sense or stands twice; `start` fails with the first of these.

  template <class F>
  result<void> get(std::string_view pattern, F handler, const route_options& options = {}) {
    return route("GET", pattern, std::move(handler), options);
  }
  template <class F>
  result<void> post(std::string_view pattern, F handler, const route_options& options = {}) {
    return route("POST", pattern, std::move(handler), options);
  }
  template <class F>
  result<void> put(std::string_view pattern, F handler, const route_options& options = {}) {
    return route("PUT", pattern, std::move(handler), options);
  }
  template <class F>
  result<void> patch(std::string_view pattern, F handler, const route_options& options = {}) {
    return route("PATCH", pattern, std::move(handler), options);
  }
  template <class F>
  result<void> del(std::string_view pattern, F handler, const route_options& options = {}) {
    return route("DELETE", pattern, std::move(handler), options);
  }
  template <class F>
  result<void> route(std::string_view method, std::string_view pattern, F handler,
                     const route_options& options = {}) {
    return add(
        method, pattern, &detail::handling<F>::missing,
        [f = std::move(handler)](detail::exchange& e) { return detail::handling<F>::call(f, e); },
        options);
  }

  /// Listens, and serves until this goes or the system is shut down. Fails with `unavailable`, e.g. if
  /// the port is taken, and `invalid_argument`: what `use` and routes were refused for, an address or
  /// options that make no sense.
  [[nodiscard]] result<void> start();

  /// Where it listens; 0 before `start`.
  [[nodiscard]] std::uint16_t port() const noexcept;

  /// "http://127.0.0.1:8080", "http://[::1]:8080".
  [[nodiscard]] std::string url() const;

 private:
  using missing_what = std::string (*)(const detail::resources&, const detail::route_names&);

  void lend(const std::type_info& type, detail::pool_lender from,
            std::function<pool_statistics()> statistics);
  void lead_to(std::string_view type, const void* tag, result<void> status);
  result<void> add(std::string_view method, std::string_view pattern, missing_what missing,
                   detail::answerer answer, const route_options& options);

  std::shared_ptr<detail::server_core> core_;
};

}  // namespace nexus::inline v0::http
