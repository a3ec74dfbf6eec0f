// The alarm of a model: calls the behavior's `alarm`, and makes the call for its command.
#pragma once

#include <optional>
#include <utility>

#include "nexus/alarm.hpp"
#include "nexus/detail/checks.hpp"
#include "nexus/detail/entity_model.hpp"

namespace nexus { inline namespace v0 { namespace detail {

template <class B>
[[nodiscard]] entity_call* call_of(typename B::command&& command);  // in compiled.hpp

/// When the state wants to be woken. Throws what `alarm` throws.
template <class B>
[[nodiscard]] std::optional<timestamp> due_of(const state_t<B>& state) {
  if constexpr (wakes_itself<B>) {
    const auto wanted = B::alarm(state);
    if (wanted) return wanted->due;
  }
  return std::nullopt;
}

template <class B>
class model_with_alarm : public entity_model {
 public:
  [[nodiscard]] bool has_alarm() const noexcept override { return wakes_itself<B>; }

  void wakes(const std::optional<timestamp>& due) noexcept { due_ = due; }

 protected:
  result<void> look_at(const state_t<B>& state) {
    return guarded(errc::apply_failed, "alarm", [&] { due_ = due_of<B>(state); });
  }

  [[nodiscard]] static result<envelope> call_of_alarm(const state_t<B>& state) {
    envelope made;
    if constexpr (wakes_itself<B>) {
      auto done = guarded(errc::apply_failed, "alarm", [&] {
        if (auto wanted = B::alarm(state)) made = own_call(call_of<B>(std::move(wanted->command)));
      });
      if (!done) return fail(std::move(done.error()));
    }
    return made;
  }

 private:
  static envelope own_call(entity_call* c) noexcept {
    c->counted = false;
    c->alarm = true;
    envelope made{c};
    c->leave();  // no caller waits for the answer
    return made;
  }
};

}}}
