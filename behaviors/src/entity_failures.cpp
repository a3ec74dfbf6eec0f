// Supervision of the entities of one type.
#include <fmt/format.h>

#include "directory_core.hpp"
#include "messages.hpp"
#include "nexus/detail/logger.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

// When more entities have failed than this, all records are dropped, and restarts count from 0
// again.
constexpr std::size_t failures_max = 10'000;

}  // namespace

measure directory_core::supervise(const persistence_id& id, const error& why) {
  const auto& how = *options.supervised;
  const failure what{why};
  const auto wanted = decide(how, what);
  measure said;
  {
    std::lock_guard guard{failures_lock_};
    if (failures_.size() >= failures_max) failures_.clear();
    auto& record = failures_[how.scope == strategy::all_for_one ? std::string{} : id.str()];
    const auto chance = static_cast<double>(sys.random() % 1024) / 1024;
    said = record.failed(how, wanted, sys.steady(), chance);
  }
  metrics.failures[static_cast<std::size_t>(said.what)]->add();
  if (said.what == directive::escalate) {
    log().error("{}; the entities \"{}\" are closed", why.message, info.entity_type);
    auto told = guarded(errc::actor_failed, "on_given_up", [&] {
      if (how.on_given_up) how.on_given_up(what);
    });
    if (!told) log().error("{}: {}", id.str(), told.error().message);
    stop();
  } else if (said.all) {
    const bool restart = said.what == directive::restart;
    tell_others(id, [&] { return envelope{new group_message{restart}}; });
  }
  return said;
}

void directory_core::tell_others(const persistence_id& but, const std::function<envelope()>& make) {
  for (const auto& one : live_ones->entities.all()) {
    if (one->id != but) one->to.send(make());
  }
}

}}}
