// A command on its way: decides, keeps the answer, and runs the chain when everything is durable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/behavior.hpp"
#include "nexus/detail/entity_model.hpp"
#include "nexus/detail/type_name.hpp"

namespace nexus::inline v0::detail {

template <class B>
struct model_of;
template <class B>
class asking;

/// A call that `Decide` turns into an effect of `B`, answered with an `R`.
template <class B, class R, class Decide>
class deciding_call final : public entity_call, public answer_slot<R> {
 public:
  using effect_type = effect<B, R>;
  using model = typename model_of<B>::type;

  deciding_call(Decide decide, bool is_counted = true) : decide_{std::move(decide)} {
    counted = is_counted;
    index = Decide::index;
    const auto bytes = sizeof(*this) + decide_.extra_bytes();
    size_bytes = bytes < UINT32_MAX ? static_cast<std::uint32_t>(bytes) : UINT32_MAX;
  }

  decision decide(entity_model& any, const context& c, const decision_limits& limits,
                  event_batch& out) noexcept override {
    auto& m = static_cast<model&>(any);
    const auto before = out.size();
    forget_decision();
    try {
      effect_type e = decide_(m.state(), c);
      return take(std::move(e), m, c, limits, out);
    } catch (...) {
      set_error(threw(errc::decide_failed, B::entity_type, c.id(), Decide::name()));
    }
    out.truncate(before);
    return {.failed = true};
  }

  [[nodiscard]] const error* refusal() const noexcept override {
    const auto& given = this->answer;
    return given && !*given ? &given->error() : nullptr;
  }

  void finish(const entity_model& any, entity_host& host) noexcept override {
    const auto& answer = *this->answer;
    if (!answer && answer.error().code == errc::unhandled) host.unhandled(*this, answer.error());
    if (!chain_) return complete();
    for (std::size_t i = 0; i <= chain_->links.size(); ++i) {
      if (i == chain_->before_reply) complete();
      if (i == chain_->links.size()) break;
      try {
        follow(chain_->links[i], static_cast<const model&>(any), host);
      } catch (...) {
        host.chain_threw(*this, threw(errc::decide_failed, B::entity_type, host.own_id().id(),
                                      "what follows " + Decide::name()));
      }
    }
  }

 private:
  struct chain {
    std::vector<typename effect_type::link> links;
    std::size_t before_reply;
  };

  // Only then_run may read the state: it may be gone when the question of a last command is sent.
  void follow(typename effect_type::link& l, const model& m, entity_host& host) {
    if (auto* run = std::get_if<typename effect_type::run>(&l)) return (*run)(m.state());
    std::get<typename effect_type::ask>(l)->send(host, header);
  }

  // The command may have been decided before, on a state that was lost.
  void forget_decision() noexcept {
    this->answer.reset();
    chain_.reset();
    chained = false;
  }

  void set_error(error why) noexcept override {
    this->answer.emplace(tl::unexpected<error>(std::move(why)));
  }

  // An error of `write` names only the event.
  void set_named(error why, const context& c) {
    const auto id = std::string{B::entity_type}.append("|").append(c.id());
    if (why.message.find(id) == std::string::npos) why.message.insert(0, id + ": ");
    set_error(std::move(why));
  }

  // Encodes and checks all events before the first one is applied.
  decision take(effect_type e, model& m, const context& c, const decision_limits& limits,
                event_batch& out) {
    if (e.stashes()) return put_aside(c, limits);
    const auto before = out.size();
    if (!e.rejected()) {
      if (auto written = m.write(e, header, c, limits, out); !written) {
        out.truncate(before);
        set_named(std::move(written.error()), c);
        return {};
      }
    }
    bool snapshots = e.takes_snapshot();
    try {
      snapshots |= m.apply(e, c.next_nr());
      this->answer.emplace(e.reply(m.state()));
      chained = !e.links().empty();
      if (chained) {
        chain_ = std::make_unique<chain>(chain{std::move(e.links()), e.links_before_reply()});
      }
    } catch (...) {
      out.truncate(before);
      set_error(threw(errc::apply_failed, B::entity_type, c.id(),
                      "apply, snapshot_when or then_reply, after " + Decide::name() + ","));
      return {.rebuilds = true, .failed = true};
    }
    return {.runs = e.runs(),
            .unstashes = e.unstashes(),
            .stops = e.stops(),
            .passivates = e.passivates(),
            .snapshots = snapshots};
  }

  decision put_aside(const context& c, const decision_limits& limits) {
    if (!counted) {
      set_named({errc::decide_failed, "on_recovered cannot be stashed"}, c);
    } else if (limits.stash_full) {
      set_named({errc::overloaded, "the stash is full; see entity_options::stash_max"}, c);
    } else {
      return {.stashes = true};
    }
    return {};
  }

  Decide decide_;
  std::unique_ptr<chain> chain_;
};

template <class C, class Variant>
inline constexpr std::uint8_t index_of = entity_call::no_index;
template <class C, class... Cs>
inline constexpr std::uint8_t index_of<C, std::variant<Cs...>> = [] {
  static_assert(sizeof...(Cs) < entity_call::no_index, "a behavior has at most 254 commands");
  std::uint8_t i = 0;
  (void)((std::is_same_v<C, Cs> || (++i, false)) || ...);
  return i;
}();

/// The names of the commands of a behavior.
template <class Variant>
inline constexpr std::array<std::string_view, 0> command_names{};
template <class... Cs>
inline constexpr std::array<std::string_view, sizeof...(Cs)> command_names<std::variant<Cs...>>{
    type_name<Cs>()...};

/// Decides a command of the user.
template <class B, class C>
struct command_of {
  static constexpr std::uint8_t index = index_of<C, typename B::command>;
  C command;

  auto operator()(const typename B::state& state, const context& c) const {
    return call_decide<B>(state, command, c);
  }
  [[nodiscard]] static std::string name() {
    return std::string{"decide of "}.append(type_name<C>());
  }
  [[nodiscard]] std::size_t extra_bytes() const {
    if constexpr (mapped<C>) return encoded_size(command);
    return 0;
  }
};

template <class B, class C>
using command_call = deciding_call<B, reply_t<B, C>, command_of<B, C>>;

/// Decides on_recovered.
template <class B>
struct recovered_of {
  static constexpr std::uint8_t index = entity_call::no_index;
  [[nodiscard]] static std::string name() { return "on_recovered"; }
  effect<B> operator()(const typename B::state& state, const context& c) const {
    if constexpr (requires { B::on_recovered(state, c); }) {
      return B::on_recovered(state, c);
    } else {
      return B::on_recovered(state);
    }
  }
  [[nodiscard]] static std::size_t extra_bytes() { return 0; }
};

/// The first call of a recovered entity, if its behavior has on_recovered.
template <class B>
envelope make_recovered_call() {
  if constexpr (recovers<B>) {
    auto* c = new deciding_call<B, void, recovered_of<B>>{{}, false};
    envelope made{c};
    c->leave();
    return made;
  } else {
    return {};
  }
}

}
