#include "server_core.hpp"

#include <fmt/format.h>

#include <exception>
#include <optional>
#include <system_error>

#include "listening.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/saturating.hpp"
#include "response_text.hpp"
#include "target.hpp"
#include "text.hpp"

namespace nexus { inline namespace v0 { namespace http::detail {
namespace {

using nexus::detail::log;
using std::chrono::milliseconds;

constexpr std::string_view requests_total = "nexus_http_requests_total";

std::vector<double> seconds_bounds() { return growing_bounds(100e-6, 2, 20); }

// "250ms", "2s".
std::optional<milliseconds> parse_time(std::string_view text) {
  std::uint64_t unit_ms = 1;
  if (text.ends_with("ms")) {
    text.remove_suffix(2);
  } else if (text.ends_with('s')) {
    text.remove_suffix(1);
    unit_ms = 1'000;
  } else {
    return std::nullopt;
  }
  constexpr std::uint64_t most = 1'000'000'000;
  const auto n = number(text);
  if (!n || *n > most) return std::nullopt;
  return milliseconds{static_cast<std::int64_t>(*n * unit_ms)};
}

// "No limit" becomes a very long time that can still be added to the clock.
milliseconds within_reason(milliseconds time) {
  return std::min<milliseconds>(time, std::chrono::hours{24 * 365 * 10});
}

server_options within_reason(server_options o) {
  for (auto* time : {&o.read_timeout, &o.write_timeout, &o.keep_alive, &o.timeout, &o.timeout_max,
                     &o.borrow_timeout}) {
    *time = within_reason(*time);
  }
  return o;
}

response not_routed(const request& asked, std::string allowed) {
  if (allowed.empty()) {
    return response::problem(404, "not_found", fmt::format("there is nothing at {}", asked.path));
  }
  if (asked.method == "OPTIONS") return response{.status = 204}.with("Allow", std::move(allowed));
  return response::problem(405, "method_not_allowed",
                           fmt::format("{} is not allowed for {}", asked.method, asked.path))
      .with("Allow", std::move(allowed));
}

}  // namespace

server_core::server_core(system& on, server_options o)
    : kept{on.shared()}, sys{*kept}, options{within_reason(std::move(o))} {}
server_core::~server_core() = default;

result<void> server_core::refuse(error why) {
  if (status_) status_ = fail(why);
  return fail(std::move(why));
}

result<void> server_core::add(
    std::string_view method, std::string_view pattern,
    const std::function<std::string(const resources&, const route_names&)>& missing,
    answerer answer, const route_options& how) {
  auto wrong = [&](std::string_view why) {
    return refuse({errc::invalid_argument, fmt::format("{} {}: {}", method, pattern, why)});
  };
  if (listener_ != nullptr) return wrong("the server has been started already");
  if (!is_token(method)) return wrong("the method is not a token");
  if (how.rejected != 0 && (how.rejected < 400 || how.rejected > 499)) {
    return wrong("route_options::rejected is not from 400 to 499");
  }
  auto parsed = route_pattern::parse(pattern);
  if (!parsed) return wrong(parsed.error().message);
  if (const auto what = missing(given, {parsed->names()}); !what.empty()) {
    return wrong("the handler takes " + what);
  }
  auto& seconds =
      sys.metrics().measure("nexus_http_request_seconds", "How long requests took to answer.",
                            seconds_bounds(), {{"route", parsed->text}});
  auto added = routes_.add({std::string{method}, *std::move(parsed), std::move(answer),
                            how.rejected == 0 ? options.rejected : how.rejected, &seconds});
  return added ? added : wrong(added.error().message);
}

void server_core::add_own_routes() {
  const auto none = [](const resources&, const route_names&) { return std::string{}; };
  if (!options.metrics_path.empty()) {
    (void)add("GET", options.metrics_path, none,
              [this](exchange&) {
                auto made = response::text(to_text(sys.metrics()));
                made.content_type = "text/plain; version=0.0.4";
                return made;
              },
              {});
  }
  if (!options.health_path.empty()) {
    (void)add("GET", options.health_path, none,
              [this](exchange&) { return health(requests.is_open(), stores, sessions); }, {});
  }
}

result<void> server_core::check_options() const {
  auto wrong = [](std::string_view what) {
    return fail(errc::invalid_argument, fmt::format("server_options::{} is invalid", what));
  };
  if (options.threads == 0 || options.threads > 10'000) return wrong("threads");
  constexpr auto head_most = std::size_t{16} << 20;
  if (options.head_bytes_max < 64 || options.head_bytes_max > head_most) {
    return wrong("head_bytes_max");
  }
  if (options.target_bytes_max == 0 || options.target_bytes_max > head_most) {
    return wrong("target_bytes_max");
  }
  if (options.keep_alive_requests == 0) return wrong("keep_alive_requests");
  if (options.rejected < 400 || options.rejected > 499) return wrong("rejected");
  if (options.timeout.count() <= 0) return wrong("timeout");
  if (!options.deadline_header.empty() && !is_token(options.deadline_header)) {
    return wrong("deadline_header");
  }
  return {};
}

result<void> server_core::start() {
  if (listener_ != nullptr) return fail(errc::invalid_argument, "the server runs already");
  add_own_routes();
  if (!status_) return status_;
  if (auto fine = check_options(); !fine) return fine;
  auto opened = std::make_unique<listener>(*this, options, requests);
  if (auto listening = opened->open(); !listening) return listening;
  in_flight_ =
      sys.metrics().sample("nexus_http_requests_in_flight", "Requests that are being answered.", {},
                           [this] { return static_cast<double>(requests.inside()); });
  listener_ = std::move(opened);
  try {
    watching_ = std::thread{[this] { late_.run(); }};
    listener_->serve();
  } catch (const std::system_error& why) {
    close();
    return fail(errc::unavailable,
                fmt::format("cannot start {} threads: {}", options.threads, why.what()));
  }
  sys.join(weak_from_this());
  return {};
}

std::uint16_t server_core::port() const noexcept {
  return listener_ == nullptr ? std::uint16_t{0} : listener_->port();
}

// -- answering --------------------------------------------------------------------------------

response server_core::answer(request asked, target to) {
  const auto random = [this] { return sys.random(); };
  const auto trace = read_trace(asked.header("traceparent"), asked.header("tracestate"), random);
  const served_route* route = nullptr;
  auto made = find_and_answer(asked, std::move(to), trace, route);
  if (const auto why = why_unsendable(made); !why.empty()) {
    made = failed(fmt::format("{} {}", asked.method, asked.path), why, trace.trace_id());
  }
  count(asked.method, route == nullptr ? "" : route->pattern.text, made.status);
  made.headers.emplace_back("traceparent", under_new_parent(trace, random));
  if (!trace.tracestate.empty()) made.headers.emplace_back("tracestate", trace.tracestate);
  return made;
}

response server_core::find_and_answer(request& asked, target to, const trace_context& trace,
                                      const served_route*& route) {
  asked.path = std::move(to.path);
  asked.queries = std::move(to.queries);
  route = routes_.find(asked.method, to.parts);
  if (route == nullptr) return not_routed(asked, routes_.allowed(to.parts));
  for (std::size_t i = 0; i < to.parts.size(); ++i) {
    const auto& part = route->pattern.parts[i];
    if (part.is_param) asked.params.emplace_back(part.text, std::move(to.parts[i]));
  }
  return answer_at(*route, asked, trace);
}

response server_core::answer_at(const served_route& route, const request& asked,
                                const trace_context& trace) {
  const auto begun = std::chrono::steady_clock::now();
  const auto time = time_for(asked);
  if (!time) return problem_of(time.error(), 0, asked.path, trace.trace_id());
  const auto deadline = nexus::detail::deadline_at(sys.steady(), time_span{*time});
  call_header header;
  header.traceparent = trace.traceparent;
  header.tracestate = trace.tracestate;
  header.deadline = deadline;
  exchange e{asked, given, std::move(header), request_session{lender(route, deadline), deadline}};
  auto made = run(route, e);
  route.seconds->observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
  return made;
}

response server_core::run(const served_route& route, exchange& e) {
  const auto what = fmt::format("{} {}", route.method, route.pattern.text);
  const auto id = std::string_view{e.header.traceparent}.substr(3, 32);
  try {
    auto made = route.answer(e);
    if (made) return *std::move(made);
    return problem_of(e.lent.told(std::move(made.error())), route.rejected, what, id);
  } catch (const std::exception& thrown) {
    return failed(what, fmt::format("the handler threw: {}", thrown.what()), id);
  } catch (...) {
    return failed(what, "the handler threw something", id);
  }
}

namespace {

// Returned when it is not watched any more.
struct watched_session {
  lent_session lent;
  deadline_watch::watched watched;
};

}  // namespace

session_lender server_core::lender(const served_route& route,
                                   std::chrono::steady_clock::time_point deadline) {
  return [this, &route, deadline]() -> result<lent_session> {
    const std::chrono::nanoseconds left = nexus::detail::between(sys.steady(), deadline);
    if (left.count() <= 0) return fail(errc::timeout, "the request's time was over");
    auto lent = given.lend(
        {.timeout = std::min<std::chrono::nanoseconds>(left, time_span{options.borrow_timeout}),
         .borrower = route.pattern.text});
    if (!lent) return lent;
    auto* one = lent->get();
    std::shared_ptr<watched_session> kept{
        new watched_session{*std::move(lent), {late_, *one, deadline}}};
    return lent_session{std::move(kept), one};
  };
}

result<milliseconds> server_core::time_for(const request& asked) const {
  const auto said = asked.header(options.deadline_header);
  if (!said) return options.timeout;
  const auto time = parse_time(*said);
  if (!time) {
    return fail(errc::invalid_argument,
                fmt::format("{}: \"{}\" is not a time like \"250ms\" or \"2s\"",
                            options.deadline_header, *said));
  }
  return std::min(*time, options.timeout_max);
}

response server_core::refusal(int status, std::string_view title, std::string_view detail) const {
  auto made = response::problem(status, title, detail);
  if (status == 429 || status == 503) {
    made.headers.emplace_back("Retry-After", std::to_string(options.retry_after.count()));
  }
  return made;
}

response server_core::problem_of(const error& why, int rejected, std::string_view what,
                                 std::string_view trace_id) const {
  const int status = status_of(why.code, rejected);
  if (status == 500) {
    return failed(what, fmt::format("{}: {}", nexus::to_string(why.code), why.message), trace_id);
  }
  auto detail = why.message;
  if (why.code == errc::outcome_unknown || why.code == errc::timeout) {
    detail +=
        " (unless this says that nothing was done, it may have happened, or may still happen)";
  }
  return refusal(status, nexus::to_string(why.code), detail);
}

response server_core::failed(std::string_view what, std::string_view why,
                             std::string_view trace_id) const {
  log().error("{}: {} (trace {})", what, why, trace_id);
  return response::problem(500, "internal_error",
                           fmt::format("see trace {} in the server's log", trace_id));
}

void server_core::count(std::string_view method, std::string_view route, int status) {
  sys.metrics()
      .count(requests_total, "Requests that were answered.",
             {{"method", std::string{routes_.label_of(method)}},
              {"route", std::string{route}},
              {"status", std::to_string(status)}})
      .add();
}

void server_core::count_turned_away() {
  sys.metrics()
      .count("nexus_http_turned_away_total", "Connections refused because too many were waiting.")
      .add();
}

// -- stopping ---------------------------------------------------------------------------------

std::string server_core::name() const {
  return fmt::format("http {}", authority(options.address, port()));
}

void server_core::stop_admitting() {
  requests.close();
  listener_->end_listening();
}

void server_core::stop() { listener_->stop(); }

std::vector<std::string> server_core::remaining() {
  if (listener_->is_over()) return {};
  return {name()};
}

void server_core::close() {
  if (listener_ == nullptr) return;
  stop_admitting();
  stop();
  listener_->join();
  late_.stop();
  if (watching_.joinable()) watching_.join();
  in_flight_ = {};
}

}}}  // namespace nexus::v0::http::detail
