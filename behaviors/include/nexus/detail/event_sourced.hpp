// From a user's struct to what the entity state machine works with.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/behavior.hpp"
#include "nexus/detail/entity_model.hpp"

namespace nexus::inline v0::detail {

template <event_sourced B>
class event_sourced_model final : public entity_model {
 public:
  [[nodiscard]] const typename B::state& state() const noexcept { return state_; }

  void apply(const typename B::event& event) {
    std::visit([&](const auto& e) { B::apply(state_, e); }, event);
  }

  void reset() override { state_ = typename B::state{}; }

  result<void> restore(const stored_snapshot& from) override {
    reset();
    return decode_state<B>(from, state_);
  }

  result<void> replay(const event_view& event) override {
    auto decoded = decode_event<B>(event);
    if (!decoded) return fail(std::move(decoded.error()));
    try {
      apply(*decoded);
    } catch (const std::exception& e) {
      return fail(errc::apply_failed, std::string{"apply threw: "} + e.what());
    }
    return {};
  }

  result<stored_snapshot> encode_snapshot() const override {
    stored_snapshot made;
    made.type = B::entity_type;
    made.schema_version = schema_version_of<typename B::state>();
    made.codec = serializer_name<B>();
    if (auto done = encode_with<B>(state_, made.data); !done) return fail(done.error());
    return made;
  }

 private:
  typename B::state state_{};
};

/// A command of `B` with its answer.
template <event_sourced B, class C>
class command_call final : public entity_call, public answer_slot<reply_t<B, C>> {
 public:
  using reply_type = reply_t<B, C>;
  using effect_type = effect<B, reply_type>;

  explicit command_call(C command) : command_{std::move(command)} {
    size_bytes = sizeof(*this);
    if constexpr (mapped<C>) size_bytes += static_cast<std::uint32_t>(encoded_size(command_));
  }

  decision decide(entity_model& model, const context& c, const decision_limits& limits,
                  event_batch& out) noexcept override {
    auto& m = static_cast<event_sourced_model<B>&>(model);
    try {
      effect_type e = call_decide<B>(m.state(), command_, c);
      return take(std::move(e), m, c, limits, out);
    } catch (const std::exception& e) {
      answer_with(errc::decide_failed, "decide threw: ", e.what());
    } catch (...) {
      answer_with(errc::decide_failed, "decide threw", "");
    }
    return {};
  }

  void finish(const entity_model& model) noexcept override {
    if (!runs_) return complete();
    const auto& state = static_cast<const event_sourced_model<B>&>(model).state();
    for (std::size_t i = 0; i <= runs_->all.size(); ++i) {
      if (i == runs_->before_reply) complete();
      if (i == runs_->all.size()) break;
      try {
        runs_->all[i](state);
      } catch (const std::exception& e) {
        log_chain_error(B::entity_type, e.what());
      } catch (...) {
        log_chain_error(B::entity_type, "not a std::exception");
      }
    }
  }

 private:
  struct chain {
    std::vector<typename effect_type::run> all;
    std::size_t before_reply;
  };

  void set_error(error why) noexcept override {
    this->answer.emplace(tl::unexpected<error>(std::move(why)));
  }

  void answer_with(errc code, std::string_view what, std::string_view why) {
    set_error({code, std::string{what}.append(why)});
  }

  // Encodes and checks everything before the first event enters the state.
  decision take(effect_type e, event_sourced_model<B>& m, const context& c,
                const decision_limits& limits, event_batch& out) {
    const auto before = out.size();
    if (!e.rejected() && !encode_all(e, c, limits, out)) {
      out.truncate(before);
      return {};
    }
    try {
      for (const auto& event : e.events()) m.apply(event);
      this->answer.emplace(e.reply(m.state()));
    } catch (const std::exception& x) {
      out.truncate(before);
      answer_with(errc::apply_failed, "apply or then_reply threw: ", x.what());
      return {.rebuilds = true};
    } catch (...) {
      out.truncate(before);
      answer_with(errc::apply_failed, "apply or then_reply threw", "");
      return {.rebuilds = true};
    }
    if (!e.runs().empty()) {
      runs_ = std::make_unique<chain>(chain{std::move(e.runs()), e.runs_before_reply()});
    }
    return {.runs = runs_ != nullptr, .stops = e.stops()};
  }

  bool encode_all(const effect_type& e, const context& c, const decision_limits& limits,
                  event_batch& out) {
    if (e.events().size() > limits.events_max) {
      answer_with(
          errc::too_large, "one command persists too many events: ",
          std::to_string(e.events().size()) + ", at most " + std::to_string(limits.events_max));
      return false;
    }
    if (e.events().empty()) return true;
    const auto metadata = encode_metadata(c.command());
    thread_local std::string data;
    for (const auto& event : e.events()) {
      data.clear();
      result<void> encoded;
      auto view = std::visit(
          [&]<class E>(const E& one) {
            encoded = encode_with<B>(one, data);
            event_view made;
            made.type = E::type_name;
            made.schema_version = schema_version_of<E>();
            made.codec = serializer_name<B>();
            return made;
          },
          event);
      if (!encoded) {
        set_error(std::move(encoded.error()));
        return false;
      }
      if (data.size() > limits.event_bytes_max) {
        answer_with(errc::too_large, "an event is too large: ",
                    std::string{view.type} + " of " + std::to_string(data.size()) +
                        " bytes, at most " + std::to_string(limits.event_bytes_max));
        return false;
      }
      view.data = data;
      view.metadata = metadata;
      view.time = c.now();
      out.add(view);
    }
    return true;
  }

  C command_;
  std::unique_ptr<chain> runs_;
};

}
