// Chooses entities to passivate: those idle for long, and above live_max the least recently used.
//
// An entity is asked, and answers by stopping or by going on: only the entity knows whether it is
// idle. A slot that was asked counts as leaving until then, so that one start too many costs one
// entity.
//
// Threads: any. Bound: one request per entity.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "live_entities.hpp"
#include "messages.hpp"
#include "nexus/detail/saturating.hpp"
#include "nexus/entity_options.hpp"
#include "nexus/metrics.hpp"
#include "ticker.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class passivation : public std::enable_shared_from_this<passivation> {
 public:
  passivation(system& sys, const entity_options& options, counter& cap_exceeded)
      : sys_{sys},
        idle_{saturated<std::chrono::microseconds>(options.passivate_after)},
        live_max_{options.live_max},
        cap_exceeded_{cap_exceeded} {}

  using slot = entity_directory::slot;
  using slot_ref = entity_directory::slot_ref;

  enum class reason : std::uint8_t { idle, cap };

  /// Passivate if idle, and if no message has come since `unused_since`.
  struct request final : message_of<message_kind::passivate> {
    request(reason w, std::shared_ptr<passivation> f, steady_time unused)
        : why{w}, unused_since{unused}, from{std::move(f)} {}
    ~request() override { from->leaving_.fetch_sub(1); }

    const reason why;
    const steady_time unused_since;
    const std::shared_ptr<passivation> from;
  };

  /// One more is live; `started` follows when other code can find it.
  void born() { live_.fetch_add(1); }
  void started();
  /// One less; returns how many are left.
  std::size_t gone() { return live_.fetch_sub(1) - 1; }

  [[nodiscard]] std::size_t live() const noexcept { return live_.load(); }

  /// The entity of `s` is at rest: above live_max one entity has to go.
  void at_rest() {
    if (over_cap()) keep_cap();
  }

  /// The entity was asked and goes on.
  void stays(slot& s) {
    s.asked_to_leave(false);
    at_rest();
  }

  /// Stops asking.
  void close() {
    if (ticker_) ticker_->end();
  }

  /// Starts to look, if there is an idle time.
  void open();

  live_entities entities;

 private:
  [[nodiscard]] bool over_cap() const noexcept {
    return live_max_ != 0 && live_.load() > saturated_sum(live_max_, leaving_.load());
  }
  bool keep_cap();
  void ask(const slot_ref& who, reason why, steady_time unused);
  std::optional<std::chrono::microseconds> look();

  system& sys_;
  const std::chrono::microseconds idle_;  // zero: no limit
  const std::size_t live_max_;            // zero: no limit
  counter& cap_exceeded_;
  std::atomic<std::size_t> live_{0};
  std::atomic<std::size_t> leaving_{0};
  std::unique_ptr<ticker> ticker_;
};

}}}
