#include "store_metrics.hpp"

#include <array>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

namespace nexus { inline namespace v0 {
namespace {

// 20 µs to 10 s and 1 to 16,384: each bound doubles the one before.
const std::vector<double>& time_bounds() {
  static const auto made = growing_bounds(20e-6, 2, 20);
  return made;
}
const std::vector<double>& size_bounds() {
  static const auto made = growing_bounds(1, 2, 15);
  return made;
}

double seconds(std::chrono::nanoseconds t) { return std::chrono::duration<double>(t).count(); }

constexpr std::string_view appends = "nexus_appends_total";
constexpr std::string_view appends_help = "Requests to append events or store a state, by outcome.";
constexpr std::string_view settles = "nexus_settlements_total";
constexpr std::string_view settles_help = "Unknown outcomes that were settled, by result.";
constexpr std::string_view saves = "nexus_snapshots_total";
constexpr std::string_view saves_help = "Snapshots to be saved, by outcome.";

}  // namespace

store_metrics::store_metrics(std::shared_ptr<metrics> in, const std::string& journal)
    : registry{in ? std::move(in) : metrics::make()},
      labels{{"journal", journal}},
      queue_seconds_{registry->measure("nexus_write_queue_seconds",
                                       "How long a job waited for a writer.", time_bounds(),
                                       labels)},
      commit_seconds_{registry->measure("nexus_commit_seconds",
                                        "How long a call that writes a batch took.", time_bounds(),
                                        labels)},
      batch_requests_{registry->measure("nexus_commit_requests", "Requests written by one call.",
                                        size_bounds(), labels)},
      batch_events_{registry->measure("nexus_commit_events", "Events written by one call.",
                                      size_bounds(), labels)},
      appends_{count(appends, appends_help, "stored"),   count(appends, appends_help, "conflict"),
               count(appends, appends_help, "rejected"), count(appends, appends_help, "failed"),
               count(appends, appends_help, "unknown"),  count(appends, appends_help, "partly")},
      settlements_{
          count(settles, settles_help, "stored"), count(settles, settles_help, "not_stored"),
          count(settles, settles_help, "superseded"), count(settles, settles_help, "failed")},
      snapshots_{count(saves, saves_help, "failed"), count(saves, saves_help, "saved")} {
  static_assert(std::is_same_v<append_outcome,
                               std::variant<stored, conflict, rejected, failed, unknown, partly>>);
}

counter* store_metrics::count(std::string_view name, std::string_view help,
                              std::string_view outcome) const {
  auto with = labels;
  with.emplace("outcome", outcome);
  return &registry->count(name, help, with);
}

void store_metrics::waited(std::span<const double> seconds_in_queue) noexcept {
  queue_seconds_.observe(seconds_in_queue);
}

void store_metrics::committed(std::size_t requests, std::size_t events,
                              std::chrono::nanoseconds took) noexcept {
  commit_seconds_.observe(seconds(took));
  batch_requests_.observe(static_cast<double>(requests));
  batch_events_.observe(static_cast<double>(events));
}

void store_metrics::appended(std::span<const append_outcome> outcomes) noexcept {
  std::array<std::uint64_t, std::variant_size_v<append_outcome>> numbers{};
  for (const auto& one : outcomes) ++numbers[one.index()];
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] > 0) appends_[i]->add(numbers[i]);
  }
}

void store_metrics::settled(const result<settlement>& what) noexcept {
  settlements_[what ? static_cast<std::size_t>(*what) : 3]->add();
}

void store_metrics::saved(const result<void>& what, std::size_t snapshots) noexcept {
  snapshots_[what ? 1 : 0]->add(snapshots);
}

}}  // namespace nexus::v0
