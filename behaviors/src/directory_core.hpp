// The state shared by the live entities of one type.
//
// Threads: any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "entity_fsm.hpp"
#include "entity_metrics.hpp"
#include "entity_slot.hpp"
#include "nexus/detail/dedicated_sessions.hpp"
#include "nexus/shutdown.hpp"
#include "passivation.hpp"
#include "recoveries.hpp"
#include "waker.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class directory_core final : public entity_directory,
                             public shutdown_participant,
                             public std::enable_shared_from_this<directory_core> {
 public:
  directory_core(const behavior_info& of, system& sys, const store& in,
                 const entity_options& options);

  /// Takes the type's name in the system, under which other code finds it; unless its storage has
  /// failed.
  void claim(result<void> storage);

  // entity_directory
  result<void> status() const override;
  std::shared_ptr<entity_directory> beside(std::string_view type) const override {
    return on(sys, type);
  }
  slot_ref find(std::string_view id) const override { return live_ones->entities.find(id); }
  const void* behavior() const override { return info.tag; }
  std::string_view behavior_name() const override { return info.cpp_name; }
  result<void> send(std::string_view id, const slot_ref& known, entity_call& c, envelope e,
                    admission by) override;
  void watch(std::string_view id, call& c, envelope e) override;
  std::size_t live() const override { return live_ones->live(); }
  ulid next_id() override { return sys.next_id(); }
  steady_time steady() const override { return sys.steady(); }
  result<later_call> call_later(time_span delay, std::function<void(bool due)> f) override;
  void forget(const later_call& what) override { questions_later->forget(what); }
  bool is_ending() const noexcept override { return barred(admission::outside) || closing(); }
  void question_asked() noexcept override { questions_.fetch_add(1); }
  void question_answered() noexcept override { questions_.fetch_sub(1); }
  bool actor_watched() noexcept override {
    if (actors_watched_.fetch_add(1) < actor_watches_max) return true;
    actors_watched_.fetch_sub(1);
    return false;
  }
  void actor_ended() noexcept override { actors_watched_.fetch_sub(1); }
  void close() override;

  // shutdown_participant
  stage of() const override { return stage::work; }
  std::string name() const override;
  std::string parent() const override;
  void stop_admitting() override { bar(admission::outside); }
  bool is_quiet() override;
  std::uint64_t admitted() override { return metrics.admitted.value(); }
  std::uint64_t advanced() override { return stored_.load() + answered_outside_.load(); }
  bool is_held_up() override;
  void stop() override;
  std::vector<std::string> remaining() override;

  /// Sends an alarm_message to the entity, and starts it if needed. The gate does not count it.
  [[nodiscard]] result<void> wake(std::string_view id, envelope alarm);

  /// An entity closed its gate: the next command starts a new one.
  void remove(const slot& s) { live_ones->entities.remove(s); }

  /// The last call of an entity.
  void gone();

  [[nodiscard]] bool closing() const noexcept { return closing_.load(std::memory_order_acquire); }

  /// Shows progress to a shutdown. Counted only during one, since all entities share the counter.
  void events_stored() noexcept {
    if (barred(admission::outside)) stored_.fetch_add(1);
  }
  void command_over(const entity_call& c) noexcept {
    if (c.from_outside && barred(admission::outside)) answered_outside_.fetch_add(1);
  }

  /// Whether a signal of this kind reaches anything: on_signal, or the log.
  [[nodiscard]] bool hears(entity_signal::kind what) const noexcept;

  /// Calls on_signal; without it, logs signals that no caller sees as warnings.
  void tell(const entity_signal& what, bool unseen) const noexcept;

  /// The measure of supervision for a failed entity; tells the other entities if it concerns them.
  measure supervise(const persistence_id& id, const error& why);

  const behavior_info info;
  const std::shared_ptr<system> kept;  ///< the system may go before this
  system& sys;
  const store in;
  const entity_options options;
  const fsm_options machine;
  entity_metrics metrics;
  const std::shared_ptr<passivation> live_ones;
  const std::shared_ptr<wakeups> timers;           ///< of entities
  const std::shared_ptr<wakeups> questions_later;  ///< their delays and deadlines
  recoveries turns;                                ///< of this type
  /// Null unless each entity holds a connection.
  std::shared_ptr<dedicated_sessions> dedicated{};
  /// Null if the behavior has no `alarm`.
  std::unique_ptr<waker::member> alarms{};

 private:
  static void log_signal(const entity_signal& what, bool unseen);
  void sample();
  [[nodiscard]] error taken() const;
  void bar(admission from);
  [[nodiscard]] bool barred(admission from) const noexcept {
    return (from == admission::outside ? bars_outside_ : bars_inside_)
        .load(std::memory_order_relaxed);
  }
  void finish_in_flight();
  void release_name();
  [[nodiscard]] error why_barred(std::string_view id) const;
  void tell_others(const persistence_id& but, const std::function<envelope()>& make);
  [[nodiscard]] result<slot_ref> find_or_start(std::string_view id, const slot_ref& closed,
                                               admission by, bool& started);
  [[nodiscard]] result<slot_ref> start(std::string_view id, admission by);
  [[nodiscard]] result<void> refuse(std::string_view id, entity_call& c, error why, admission by);
  [[nodiscard]] std::string full(std::string_view id) const;
  [[nodiscard]] std::string never_fits(std::string_view id, const entity_call& c) const;

  result<void> status_;  // set before any call
  std::atomic<bool> bars_outside_{false};
  std::atomic<bool> bars_inside_{false};
  std::atomic<std::uint64_t> stored_{0};
  std::atomic<std::uint64_t> answered_outside_{0};
  std::atomic<bool> closing_{false};
  std::atomic<bool> closed_already_{false};
  std::atomic<std::uint64_t> questions_{0};
  std::atomic<std::size_t> actors_watched_{0};
  std::mutex failures_lock_;  // taken only after failures
  std::unordered_map<std::string, failure_record> failures_;
  std::mutex closed_lock_;
  std::condition_variable closed_;
  bool claimed_ = false;  // under closed_lock_, once there are entities
  std::vector<registration> sampled_;
};

}}}
