#include "nexus/supervision.hpp"

#include <algorithm>
#include <string>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 {

std::string_view to_string(directive d) noexcept {
  switch (d) {
    case directive::resume:
      return "resume";
    case directive::restart:
      return "restart";
    case directive::stop:
      return "stop";
    case directive::escalate:
      return "escalate";
  }
  return "unknown directive";
}

result<void> check(const supervision& how) {
  using std::chrono::nanoseconds;
  auto bad = [](const char* what) {
    return fail(errc::invalid_argument, std::string{"supervision: "} + what);
  };
  if (how.when_exceeded != directive::stop && how.when_exceeded != directive::escalate) {
    return bad("when_exceeded must be stop or escalate");
  }
  if (how.restarts_window <= nanoseconds{}) return bad("restarts_window must be positive");
  if (how.backoff_min < nanoseconds{}) return bad("backoff_min must not be negative");
  if (how.backoff_max < how.backoff_min) return bad("backoff_max is less than backoff_min");
  if (!(how.jitter >= 0 && how.jitter <= 1)) return bad("jitter must be from 0 to 1");
  if (how.quiet_after < nanoseconds{}) return bad("quiet_after must not be negative");
  if (how.restarts_max == supervision::unlimited && how.backoff_min == nanoseconds{}) {
    return bad(
        "unlimited restarts need a backoff_min: an actor that always fails would restart without a "
        "pause");
  }
  return {};
}

directive decide(const supervision& how, const failure& what) noexcept {
  if (!how.decide) return directive::restart;
  auto said = directive::escalate;
  (void)detail::guarded([&] { said = how.decide(what); },
                        [&](const std::string& text) {
                          detail::log().error("supervision: decide threw on \"{}\": {}",
                                              what.why.message, text);
                        });
  return said;
}

measure failure_record::failed(const supervision& how, directive wanted, time_point now,
                               double chance) {
  if (wanted == directive::restart && !may_restart(how, now)) wanted = how.when_exceeded;
  const bool all = how.scope == strategy::all_for_one;
  switch (wanted) {
    case directive::restart:
      return {wanted, all, pause(how, now, chance)};
    case directive::stop:
      return {wanted, all, {}};
    default:
      return {wanted, false, {}};
  }
}

bool failure_record::may_restart(const supervision& how, time_point now) {
  if (how.restarts_max == supervision::unlimited) return true;
  std::erase_if(restarts_, [&](time_point t) { return now - t >= how.restarts_window; });
  if (restarts_.size() >= how.restarts_max) return false;
  restarts_.push_back(now);
  return true;
}

std::chrono::nanoseconds failure_record::pause(const supervision& how, time_point now,
                                               double chance) {
  if (in_a_row_ > 0 && detail::between(last_due_, now) >= how.quiet_after) in_a_row_ = 0;
  auto grown = how.backoff_min;
  for (unsigned i = 0; i < in_a_row_ && grown < how.backoff_max; ++i) {
    grown = grown > how.backoff_max / 2 ? how.backoff_max : grown * 2;
    if (grown == std::chrono::nanoseconds{}) break;
  }
  if (in_a_row_ < 64) ++in_a_row_;
  grown = detail::saturated_sum(
      grown, detail::saturated<std::chrono::nanoseconds>(grown * (how.jitter * chance)));
  last_due_ = detail::later(now, grown);
  return grown;
}

}}  // namespace nexus::v0
