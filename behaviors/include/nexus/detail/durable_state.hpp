// The state of a durable-state entity: the last one it persisted.
//
// The state machine treats it as an entity whose history is its newest snapshot: a version is a
// number, and an append stores the state itself. Of several states in one append only the last is
// stored, under the last version; write_job::of_state tells the writer so.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "nexus/behavior.hpp"
#include "nexus/detail/command_call.hpp"
#include "nexus/detail/entity_model.hpp"
#include "nexus/detail/model_with_alarm.hpp"
#include "nexus/detail/payload.hpp"

namespace nexus { inline namespace v0 { namespace detail {

template <class B>
class durable_state_model final : public model_with_alarm<B> {
 public:
  static std::unique_ptr<entity_model> make(std::string_view /*id*/) {
    return std::make_unique<durable_state_model>();
  }

  [[nodiscard]] const state_t<B>& state() const noexcept { return *state_; }

  void reset() override {
    this->wakes(std::nullopt);
    erased_ = true;
    state_.reset();
  }

  result<void> begin() override {
    erased_ = true;
    return guarded(errc::apply_failed, "the constructor of the state", [&] { state_.emplace(); });
  }

  /// A snapshot without a type is a tombstone.
  result<void> restore(const stored_snapshot& from) override {
    if (auto begun = begin(); !begun || from.type.empty()) return begun;
    erased_ = false;
    return guarded(errc::corrupt, "decoding", [&] { return decode_state<B>(from, *state_); });
  }

  result<void> replay(const event_view& /*event*/) override {
    return fail(errc::corrupt, "a durable state has no events");
  }

  result<stored_snapshot> encode_snapshot() const override { return encode_state<B>(*state_); }

  envelope recovered_call() override { return make_recovered_call<B>(); }
  bool is_process() const noexcept override { return recovers<B>; }
  result<void> look_at_alarm() override {
    if (!erased_) return this->look_at(*state_);
    this->wakes(std::nullopt);
    return {};
  }
  result<envelope> alarm_call() override { return this->call_of_alarm(*state_); }

  /// When the state after the effect `e` wants to be woken; a tombstone never does.
  [[nodiscard]] std::optional<timestamp> due_after(const effect_body<B>& e) const {
    if (e.erases()) return std::nullopt;
    return e.new_state() == nullptr ? this->due() : due_of<B>(*state_);
  }

  /// Encodes the effect's state, or a tombstone, into `out`.
  result<void> write(const effect_body<B>& e, const call_header& /*header*/, const context& c,
                     const decision_limits& limits, event_batch& out) const {
    event_view view;
    view.time = c.now();
    if (e.erases()) {
      view.type = {};
      out.add(view);
    } else if (const auto* next = e.new_state()) {
      thread_local std::string data;
      data.clear();
      if (auto encoded = encode_with<B>(*next, data); !encoded) {
        return fail(named("the state", B::entity_type, std::move(encoded.error())));
      }
      if (auto fits = check_size("the state", B::entity_type, data.size(), limits); !fits) {
        return fits;
      }
      view.type = B::entity_type;
      view.schema_version = schema_version_of<state_t<B>>();
      view.codec = serializer_name<B>();
      view.data = data;
      out.add(view);
    }
    return {};
  }

  bool apply(const effect_body<B>& e, sequence_nr /*version*/) {
    if (e.erases()) {
      state_.emplace();
      erased_ = true;
    } else if (const auto* next = e.new_state()) {
      *state_ = *next;
      erased_ = false;
    }
    return false;
  }

 private:
  std::optional<state_t<B>> state_;  // none: neither begun nor restored
  bool erased_ = true;               // or never written
};

}}}
