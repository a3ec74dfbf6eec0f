#include <fmt/format.h>

#include <filesystem>

#include "nexus/pool_options.hpp"
#include "pool/session_pool.hpp"

namespace nexus { inline namespace v0 {

std::string_view to_string(session_end why) noexcept {
  switch (why) {
    case session_end::idle:
      return "idle";
    case session_end::lifetime:
      return "lifetime";
    case session_end::borrows:
      return "borrows";
    case session_end::broken:
      return "broken";
    case session_end::poisoned:
      return "poisoned";
    case session_end::not_valid:
      return "not_valid";
    case session_end::not_reset:
      return "not_reset";
    case session_end::pool_closed:
      return "pool_closed";
  }
  return "unknown";
}

std::string_view to_string(pool_event::kind what) noexcept {
  using enum pool_event::kind;
  switch (what) {
    case opened:
      return "opened";
    case open_failed:
      return "open_failed";
    case waiting:
      return "waiting";
    case borrowed:
      return "borrowed";
    case returned:
      return "returned";
    case timed_out:
      return "timed_out";
    case cancelled:
      return "cancelled";
    case refused:
      return "refused";
    case leaked:
      return "leaked";
    case destroyed:
      return "destroyed";
    case closed:
      return "closed";
  }
  return "unknown";
}

result<void> check(const pool_options& o) {
  using namespace std::chrono_literals;
  const auto refuse = [&](const std::string& what) {
    return fail(errc::invalid_argument, fmt::format("pool {}: {}", o.name, what));
  };
  if (o.max == 0) return refuse("max is 0, so there would never be a session");
  if (o.max > 10'000) return refuse(fmt::format("max is {}, more than 10000", o.max));
  if (o.reserved > 10'000)
    return refuse(fmt::format("reserved is {}, more than 10000", o.reserved));
  if (o.min_idle > o.max) {
    return refuse(fmt::format("min_idle is {}, more than max, which is {}", o.min_idle, o.max));
  }
  if (o.borrow_timeout <= 0ms) return refuse("borrow_timeout is not above 0");
  const std::pair<std::string_view, std::chrono::milliseconds> durations[] = {
      {"idle_ttl", o.idle_ttl}, {"max_lifetime", o.max_lifetime}, {"leak_after", o.leak_after}};
  for (const auto& [name, is] : durations) {
    if (is < 0ms) return refuse(fmt::format("{} is {} ms, below 0", name, is.count()));
  }
  if (!(o.lifetime_jitter >= 0 && o.lifetime_jitter <= 1)) {
    return refuse(fmt::format("lifetime_jitter is {}, not within 0 and 1", o.lifetime_jitter));
  }
  if (o.max_waiters == 0) return refuse("max_waiters is 0, so no borrower could ever wait");
  if (!o.reset_query.empty() && !o.reset_on_return) {
    return refuse("there is a reset_query, but reset_on_return is off");
  }
  if (o.threads > 1'000) return refuse(fmt::format("threads is {}, more than 1000", o.threads));
  if (o.threads == 0) return refuse("threads is 0, so nothing could be opened");
  return {};
}

namespace detail {

std::string name_of(const borrower& of) {
  if (!of.name.empty()) return std::string{of.name};
  const std::filesystem::path file{of.where.file};
  return fmt::format("{}:{}", (file.parent_path().filename() / file.filename()).string(),
                     of.where.line);
}

std::string shown(std::chrono::nanoseconds took) {
  using namespace std::chrono_literals;
  const std::chrono::duration<double, std::micro> us{took};
  if (took < 1ms) return fmt::format("{:.0f} us", us.count());
  if (took < 1s) return fmt::format("{:.0f} ms", us.count() / 1e3);
  return fmt::format("{:.1f} s", us.count() / 1e6);
}

void session_pool::export_metrics() {
  auto& in = *options_.metrics;
  const metric_labels mine{{"pool", options_.name}};
  wait_seconds_ = &in.measure("nexus_pool_wait_seconds",
                              "Wait time of borrowers that had to wait for a session.",
                              growing_bounds(20e-6, 2, 20), mine);
  const auto add = [&](std::string_view name, std::string_view help, metric_labels with,
                       metric_kind kind, std::function<double(const pool_statistics&)> f) {
    with.insert(mine.begin(), mine.end());
    sampled_.push_back(in.sample(
        name, help, with, [this, f = std::move(f)] { return f(statistics()); }, kind));
  };
  const auto gauge = [&](std::string_view name, std::string_view help, const metric_labels& with,
                         std::size_t pool_statistics::*part) {
    add(name, help, with, metric_kind::gauge,
        [part](const pool_statistics& s) { return static_cast<double>(s.*part); });
  };
  const auto counter = [&](std::string_view name, std::string_view help, const metric_labels& with,
                           std::uint64_t pool_statistics::*part) {
    add(name, help, with, metric_kind::counter,
        [part](const pool_statistics& s) { return static_cast<double>(s.*part); });
  };
  constexpr std::string_view sessions = "nexus_pool_sessions";
  constexpr std::string_view sessions_help = "Sessions of the pool, by state.";
  gauge("nexus_pool_sessions_max", "Sessions the pool may have.", {}, &pool_statistics::max);
  gauge(sessions, sessions_help, {{"state", "idle"}}, &pool_statistics::idle);
  gauge(sessions, sessions_help, {{"state", "in_use"}}, &pool_statistics::in_use);
  gauge(sessions, sessions_help, {{"state", "opening"}}, &pool_statistics::opening);
  gauge("nexus_pool_waiting", "Borrowers waiting for a session.", {}, &pool_statistics::waiting);
  constexpr std::string_view borrows = "nexus_pool_borrows_total";
  constexpr std::string_view borrows_help = "Requests for a session, by outcome.";
  counter(borrows, borrows_help, {{"outcome", "lent"}}, &pool_statistics::borrows);
  counter(borrows, borrows_help, {{"outcome", "timeout"}}, &pool_statistics::timeouts);
  counter(borrows, borrows_help, {{"outcome", "cancelled"}}, &pool_statistics::cancelled);
  counter(borrows, borrows_help, {{"outcome", "refused"}}, &pool_statistics::refused);
  counter("nexus_pool_waits_total", "Requests that had to wait.", {}, &pool_statistics::waits);
  counter("nexus_pool_leaks_total", "Sessions held for too long.", {}, &pool_statistics::leaks);
  counter("nexus_pool_created_total", "Sessions opened.", {}, &pool_statistics::created);
  counter("nexus_pool_callback_failures_total", "Callbacks of the pool that threw.", {},
          &pool_statistics::callback_failures);
  counter("nexus_pool_open_failures_total", "Sessions that could not be opened.", {},
          &pool_statistics::open_failures);
  for (std::size_t i = 0; i < session_ends; ++i) {
    add("nexus_pool_destroyed_total", "Sessions that ended, by reason.",
        {{"reason", std::string{to_string(static_cast<session_end>(i))}}}, metric_kind::counter,
        [i](const pool_statistics& s) { return static_cast<double>(s.destroyed[i]); });
  }
}

}

}}  // namespace nexus::v0
