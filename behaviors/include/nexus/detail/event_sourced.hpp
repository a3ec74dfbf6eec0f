// The state of an event-sourced entity: the fold of its events.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/behavior.hpp"
#include "nexus/detail/command_call.hpp"
#include "nexus/detail/entity_model.hpp"
#include "nexus/detail/model_with_alarm.hpp"
#include "nexus/detail/payload.hpp"

namespace nexus { inline namespace v0 { namespace detail {

template <class B>
class event_sourced_model final : public model_with_alarm<B> {
 public:
  static std::unique_ptr<entity_model> make(std::string_view /*id*/) {
    return std::make_unique<event_sourced_model>();
  }

  [[nodiscard]] const state_t<B>& state() const noexcept { return *state_; }

  void reset() override {
    this->wakes(std::nullopt);
    state_.reset();
  }

  result<void> begin() override {
    return guarded(errc::apply_failed, "the constructor of the state", [&] { state_.emplace(); });
  }

  result<void> restore(const stored_snapshot& from) override {
    if (auto begun = begin(); !begun) return begun;
    return guarded(errc::corrupt, "decoding", [&] { return decode_state<B>(from, *state_); });
  }

  result<void> replay(const event_view& event) override {
    const char* where = "decoding";
    errc code = errc::corrupt;
    try {
      return decode_event_to<B>(event, [&](const auto& decoded) {
        where = "apply";
        code = errc::apply_failed;
        B::apply(*state_, decoded);
      });
    } catch (...) {
      return fail(code, std::string{where} + " threw: " + what_was_thrown());
    }
  }

  result<stored_snapshot> encode_snapshot() const override { return encode_state<B>(*state_); }

  envelope recovered_call() override { return make_recovered_call<B>(); }
  bool is_process() const noexcept override { return recovers<B>; }
  result<void> look_at_alarm() override { return this->look_at(*state_); }
  result<envelope> alarm_call() override { return this->call_of_alarm(*state_); }

  /// When the state after the effect `e` wants to be woken.
  [[nodiscard]] std::optional<timestamp> due_after(const effect_body<B>& e) const {
    return e.events().empty() ? this->due() : due_of<B>(*state_);
  }

  /// Encodes the effect's events into `out`.
  result<void> write(const effect_body<B>& e, const call_header& header, const context& c,
                     const decision_limits& limits, event_batch& out) const {
    const auto count = e.events().size();
    if (count > limits.events_max) return fail(too_many_events(count, limits));
    if (count == 0) return {};
    const auto metadata = encode_metadata(header, e.metadata());
    const auto before = out.bytes();
    thread_local std::string data;
    for (const auto& event : e.events()) {
      result<void> added;
      with_alternative(
          event, [&](const auto& one) { added = write_one(one, metadata, c, limits, data, out); });
      if (!added) return added;
      const auto bytes = out.bytes() - before;
      if (bytes > limits.events_bytes_max) {
        return fail(too_many_bytes(bytes, limits));
      }
    }
    return {};
  }

  /// Applies the effect's events, numbered from `first`. True if the behavior wants a snapshot of
  /// the resulting state.
  bool apply(const effect_body<B>& e, sequence_nr first) {
    bool wanted = false;
    for (const auto& event : e.events()) {
      apply_one(event);
      if constexpr (requires { B::snapshot_when(*state_, event, first); }) {
        wanted |= B::snapshot_when(*state_, event, first++);
      }
    }
    return wanted;
  }

 private:
  void apply_one(const typename B::event& event) {
    with_alternative(event, [&](const auto& e) { B::apply(*state_, e); });
  }

  template <class E>
  static result<void> write_one(const E& event, std::string_view metadata, const context& c,
                                const decision_limits& limits, std::string& data,
                                event_batch& out) {
    data.clear();
    if (auto encoded = encode_with<B>(event, data); !encoded) {
      return fail(named("an event", E::type_name, std::move(encoded.error())));
    }
    if (auto fits = check_size("an event", E::type_name, data.size(), limits); !fits) return fits;
    event_view view;
    view.type = E::type_name;
    view.schema_version = schema_version_of<E>();
    view.codec = serializer_name<B>();
    view.data = data;
    view.metadata = metadata;
    view.time = c.now();
    if constexpr (requires { B::tags(event); }) {
      const auto tags = B::tags(event);
      const std::vector<std::string_view> views(std::begin(tags), std::end(tags));
      view.tags = views;
      return add(view, limits, out);
    } else {
      return add(view, limits, out);
    }
  }

  // Refuses what the journal would reject, so that no other command of the append fails with it.
  static result<void> add(const event_view& view, const decision_limits& limits, event_batch& out) {
    if (auto fault = fault_of(view, {.payload_bytes_max = limits.event_bytes_max})) {
      return fail(std::move(*fault));
    }
    out.add(view);
    return {};
  }

  std::optional<state_t<B>> state_;  // none: neither begun nor restored
};

}}}
