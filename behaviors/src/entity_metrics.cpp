#include "entity_metrics.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

metric_labels labels_of(const behavior_info& of) {
  return {{"entity", std::string{of.entity_type}}};
}

counter& passivations(nexus::metrics& all, const behavior_info& of, const char* reason) {
  auto labels = labels_of(of);
  labels.emplace("reason", reason);
  return all.count("nexus_passivations_total", "Entities that stopped because they were idle.",
                   labels);
}

counter& recoveries(nexus::metrics& all, const behavior_info& of, const char* outcome) {
  auto labels = labels_of(of);
  labels.emplace("outcome", outcome);
  return all.count("nexus_recoveries_total", "States rebuilt from the journal.", labels);
}

counter& stops(nexus::metrics& all, const behavior_info& of, const char* reason) {
  auto labels = labels_of(of);
  labels.emplace("reason", reason);
  return all.count("nexus_entities_stopped_total",
                   "Entities that stopped for a reason other than idleness.", labels);
}

counter* failures_of(nexus::metrics& all, const behavior_info& of, directive said) {
  auto labels = labels_of(of);
  labels.emplace("directive", to_string(said));
  return &all.count("nexus_entity_failures_total",
                    "Directives of supervision after decide or apply threw.", labels);
}

}  // namespace

entity_metrics::entity_metrics(nexus::metrics& all, const behavior_info& of)
    : admitted{all.count("nexus_commands_admitted_total", "Commands that entities took.",
                         labels_of(of))},
      verified{all.count("nexus_verified_reads_total",
                         "Checks of the journal for another writer's events.", labels_of(of))},
      decided_again{all.count("nexus_commands_decided_again_total",
                              "Commands decided again because another writer wrote first.",
                              labels_of(of))},
      cap_exceeded{all.count("nexus_live_entities_cap_exceeded_total",
                             "Entities started above live_max because none was idle.",
                             labels_of(of))},
      recovered{recoveries(all, of, "done")},
      recoveries_failed{recoveries(all, of, "failed")},
      chains_failed{all.count("nexus_chains_failed_total",
                              "Links of chains that failed: then_run or the function of then_ask "
                              "threw, or a timer could not be set.",
                              labels_of(of))},
      timers_fired{all.count("nexus_timers_fired_total",
                             "Commands that timers brought to their entities.", labels_of(of))},
      recovery_seconds{all.measure("nexus_recovery_seconds", "How long recoveries took.",
                                   growing_bounds(0.000'1, 4, 10), labels_of(of))},
      recovered_events{all.measure("nexus_recovered_events", "The highest number when recovered.",
                                   growing_bounds(1, 10, 8), labels_of(of))},
      passivated_idle{passivations(all, of, "idle")},
      passivated_cap{passivations(all, of, "cap")},
      passivated_asked{passivations(all, of, "behavior")},
      stopped{stops(all, of, "behavior")},
      failed{stops(all, of, "failure")},
      failures{failures_of(all, of, directive::resume), failures_of(all, of, directive::restart),
               failures_of(all, of, directive::stop), failures_of(all, of, directive::escalate)},
      all_{all},
      of_{of},
      commands_(of.commands.size()) {}

void entity_metrics::command_over(const entity_call& c, const error* why) noexcept {
  if (c.retries != 0) decided_again.add(c.retries);
  if (c.index >= commands_.size()) return;
  const auto outcome = why == nullptr ? 0 : static_cast<std::size_t>(why->code) + 1;
  auto& kept = commands_[c.index][outcome];
  auto* counted = kept.load(std::memory_order_acquire);
  if (counted == nullptr) {
    auto labels = labels_of(of_);
    labels.emplace("command", of_.commands[c.index]);
    labels.emplace("outcome", why == nullptr ? "done" : to_string(why->code));
    counted = &all_.count("nexus_commands_total", "Commands that ended, by outcome.", labels);
    kept.store(counted, std::memory_order_release);
  }
  counted->add();
}

}}}
