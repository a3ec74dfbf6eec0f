// An HTTP server whose handlers declare what they need.
//
//   nexus::http::server web{sys, {.port = 8080}};
//   web.use(store);      // sessions of its pool
//   web.use(accounts);   // entities<account>
//   web.get("/accounts/{name}",
//           [](http::entity<account> one) { return one.ask(account::balance{}); });
//   web.get("/rooms",
//           [](nexus::session& db) { return names_of(db.query<std::string>("SELECT …")); });
//   if (auto started = web.start(); !started) return complain(started.error().message);
//
// A handler takes any of these, in any order:
//
//   const http::request&      the request
//   nexus::session&           the request's session: borrowed from the pool at its first use,
//                             within the request's deadline, returned when the handler is done. If none
//                             becomes free, its calls return `pool_exhausted`
//   S&                        the pool's session type, e.g. journal_session: borrowed at once
//   http::entity<B>           the entity that the path's parameter names
//   http::entities<B>         all entities of a behavior
//   http::param<"name", T>    the part of the path for {name}, as a T
//   http::body<T>             the JSON body as a T
//
// It returns an http::response, anything that nlohmann::json takes, an `asked` or `answer`, a
// result of one of these, or nothing (204). Errors become application/problem+json: see the table
// in http/response.hpp. An exception becomes a 500 and is logged.
//
// Deadline: the header X-Request-Timeout ("250ms", "2s") or the server's default. It limits the
// wait for a session, is the deadline of questions to entities, and interrupts the request's
// session. Trace: a valid W3C traceparent is passed to the questions, and returned with a new
// parent id; otherwise a new trace starts.
//
// Threads: a handler runs on a thread of the server and may block; many run at the same time. Call
// `use` and add routes before `start`. Bounds: threads (one connection each, also while it is kept
// alive), waiting connections, sizes, times. A connection that finds too many waiting gets a 503;
// an idle connection is closed when another one waits. A malformed request gets a 400 and ends its
// connection. Put a proxy in front for TLS and slow clients.
// Shutdown: takes part in system::shutdown; admitted requests are finished.
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

namespace nexus { inline namespace v0 { namespace http {

struct server_options {
  std::string address = "127.0.0.1";  ///< anyone who can reach it can read the metrics too
  std::uint16_t port = 8080;          ///< 0: a free port
  unsigned threads = 16;              ///< at most 10,000
  std::size_t waiting_max = 128;      ///< connections waiting for a thread
  unsigned backlog = 1'024;           ///< connections queued by the operating system

  std::size_t head_bytes_max = std::size_t{64} << 10;  ///< request line and headers; at most 16 MiB
  std::size_t target_bytes_max = std::size_t{8} << 10;  ///< path and query; at most 16 MiB
  std::size_t body_bytes_max = std::size_t{1} << 20;
  std::chrono::milliseconds read_timeout{10'000};  ///< for the whole request to arrive
  std::chrono::milliseconds write_timeout{10'000};
  std::chrono::milliseconds keep_alive{5'000};  ///< without a request
  unsigned keep_alive_requests = 1'000;         ///< at least 1

  std::string deadline_header = "X-Request-Timeout";  ///< empty: none
  std::chrono::milliseconds timeout{30'000};          ///< of requests without that header; above 0
  std::chrono::milliseconds timeout_max{300'000};     ///< longer ones are cut to this
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

  /// Refuses new requests, waits for the running ones, and stops.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Handlers get sessions of the store's pool. /health reports the pool and the circuit breaker;
  /// the metrics path includes the store's metrics.
  void use(const store& s);

  /// The same for a pool of the program. One pool per server, which keeps it open.
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

  // Adds a route. `{name}` matches one non-empty part of the path, percent-decoded; literal parts
  // take precedence. HEAD is answered like GET, OPTIONS with the methods of the path. Fails with
  // `invalid_argument` if the handler declares something that the server or the path does not have,
  // or the pattern is invalid or a duplicate; `start` fails with the first of these errors.

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

  /// Listens, and serves until the destructor or a shutdown of the system. Fails with
  /// `unavailable`, e.g. if the port is taken, and `invalid_argument`: an error of `use` or a
  /// route, an invalid address or invalid options.
  [[nodiscard]] result<void> start();

  /// The port it listens on; 0 before `start`.
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

}}}  // namespace nexus::v0::http
