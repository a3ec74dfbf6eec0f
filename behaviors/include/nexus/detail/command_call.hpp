// A command on its way: decides, keeps the answer, and runs the chain when everything is durable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
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

namespace nexus { inline namespace v0 { namespace detail {

template <class B>
struct model_of;
template <class B>
class asking;
template <class B>
struct timing;

/// A call for an entity of `B`: the part that does not depend on the types of the command and its
/// answer, compiled once per behavior instead of once per command.
template <class B>
class behavior_call : public entity_call {
 public:
  void finish(const entity_model& any, entity_host& host) noexcept override {
    const auto* why = refusal();
    if (why != nullptr && why->code == errc::unhandled) host.unhandled(*this, *why);
    if (!chain_) return complete();
    for (std::size_t i = 0; i <= chain_->links.size(); ++i) {
      if (i == chain_->before_reply) complete();
      if (i == chain_->links.size()) break;
      try {
        follow(chain_->links[i], static_cast<const model&>(any), host);
      } catch (...) {
        host.chain_threw(*this, threw(errc::decide_failed, B::entity_type, host.own_id().id(),
                                      "what follows " + name()));
      }
    }
  }

 protected:
  using model = typename model_of<B>::type;

  /// The name of the function that decides, for messages.
  [[nodiscard]] virtual std::string name() const = 0;

  /// Keeps the answer of `e`, for the state after it.
  virtual void keep_answer(const effect_body<B>& e, const state_t<B>& after) = 0;

  // The command may have been decided before, on a state that was lost.
  void forget_chain() noexcept {
    chain_.reset();
    chained = false;
  }

  // Encodes and checks all events before the first one is applied.
  decision take(effect_body<B>& e, model& m, const context& c, const decision_limits& limits,
                event_batch& out) {
    if (e.stashes()) return put_aside(c, limits);
    const auto before = out.size();
    if (!e.rejected()) {
      if constexpr (!has_events<B>) e.resolve(m.state());
      if (auto written = m.write(e, header, c, limits, out); !written) {
        out.truncate(before);
        set_named(std::move(written.error()), c);
        return {};
      }
    }
    auto flags = e.flags();
    try {
      flags.snapshots |= m.apply(e, c.next_nr());
      keep_answer(e, m.state());
      const auto due = m.due_after(e);
      chained = !e.links().empty();
      if (chained) {
        chain_ = std::make_unique<chain>(chain{std::move(e.links()), e.links_before_reply()});
      }
      m.wakes(due);
    } catch (...) {
      out.truncate(before);
      set_error(threw(errc::apply_failed, B::entity_type, c.id(),
                      "apply, alarm, snapshot_when or then_reply, after " + name() + ","));
      return {.rebuilds = true, .failed = true};
    }
    return {.flags = flags};
  }

 private:
  struct chain {
    std::vector<chain_link<B>> links;
    std::size_t before_reply;
  };

  // Only then_run may read the state: it may be gone when the question of a last command is sent.
  void follow(chain_link<B>& l, const model& m, entity_host& host) {
    if (l.ask) return l.ask->send(host, header);
    if (!l.timer) return l.run(m.state());
    if (auto set = l.timer->follow(host, header); !set) host.chain_threw(*this, set.error());
  }

  // An error of `write` names only the event.
  void set_named(error why, const context& c) {
    const auto id = std::string{B::entity_type}.append("|").append(c.id());
    if (why.message.find(id) == std::string::npos) why.message.insert(0, id + ": ");
    set_error(std::move(why));
  }

  decision put_aside(const context& c, const decision_limits& limits) {
    if (!counted) {
      set_named(
          {errc::decide_failed, alarm ? name() + ", as the command of an alarm, cannot be stashed"
                                      : name() + " cannot be stashed"},
          c);
    } else if (limits.stash_full) {
      set_named({errc::overloaded, "the stash is full; see entity_options::stash_max"}, c);
    } else {
      return {.flags = {.stashes = true}};
    }
    return {};
  }

  std::unique_ptr<chain> chain_;
};

/// A call that is answered with an `R`.
template <class B, class R>
class replying_call : public behavior_call<B>, public answer_slot<R> {
 public:
  decision decide(entity_model& any, const context& c, const decision_limits& limits,
                  event_batch& out) noexcept override {
    auto& m = static_cast<typename replying_call::model&>(any);
    const auto before = out.size();
    this->answer.reset();
    on_failure_.reset();
    this->forget_chain();
    if constexpr (has_row<B>) {
      // Another writer may insert the row: the next command looks for it again.
      if (auto why = m.missing()) {
        set_error(*std::move(why));
        return {.flags = {.passivates = !m.looks_again()}};
      }
    }
    try {
      auto e = run_decide(m.state(), c);
      return this->take(e, m, c, limits, out);
    } catch (...) {
      set_error(threw(errc::decide_failed, B::entity_type, c.id(), this->name()));
    }
    out.truncate(before);
    return {.failed = true};
  }

  [[nodiscard]] const error* refusal() const noexcept override {
    const auto& given = this->answer;
    return given && !*given ? &given->error() : nullptr;
  }

 protected:
  [[nodiscard]] virtual effect<B, R> run_decide(const state_t<B>& state,
                                                const context& c) const = 0;

 private:
  void keep_answer(const effect_body<B>& e, const state_t<B>& after) override {
    const auto& given = static_cast<const effect<B, R>&>(e);
    this->answer.emplace(given.reply(after));
    if (given.on_failure()) {
      on_failure_ = std::make_unique<std::function<R(const error&)>>(given.on_failure());
    }
  }
  void set_error(error why) noexcept override {
    if constexpr (!std::is_void_v<R>) {
      try {
        if (const auto instead = std::exchange(on_failure_, nullptr)) {
          this->answer.emplace((*instead)(why));
          return;
        }
      } catch (...) {
        why.message += "; then_reply_on_failure threw: " + what_was_thrown();
      }
    }
    this->answer.emplace(tl::unexpected<error>(std::move(why)));
  }

  std::unique_ptr<std::function<R(const error&)>> on_failure_;  // null: the error is the answer
};

/// One that `Decide` turns into an effect.
template <class B, class R, class Decide>
class deciding_call final : public replying_call<B, R> {
 public:
  deciding_call(Decide decide, bool is_counted = true) : decide_{std::move(decide)} {
    this->counted = is_counted;
    this->index = Decide::index;
    const auto bytes = sizeof(*this) + decide_.extra_bytes();
    this->size_bytes = bytes < UINT32_MAX ? static_cast<std::uint32_t>(bytes) : UINT32_MAX;
  }

 private:
  effect<B, R> run_decide(const state_t<B>& state, const context& c) const override {
    return decide_(state, c);
  }
  std::string name() const override { return Decide::name(); }

  Decide decide_;
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

  auto operator()(const state_t<B>& state, const context& c) const {
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

/// The call of compiled<B>::call.
template <class B, class... C>
entity_call* call_number(std::size_t index, void* command, const std::variant<C...>* /*type*/) {
  entity_call* made = nullptr;
  std::size_t i = 0;
  (void)((i++ == index &&
          (made = new command_call<B, C>{{std::move(*static_cast<C*>(command))}}, true)) ||
         ...);
  return made;
}

/// Decides on_recovered.
template <class B>
struct recovered_of {
  static constexpr std::uint8_t index = entity_call::no_index;
  [[nodiscard]] static std::string name() { return "on_recovered"; }
  effect<B> operator()(const state_t<B>& state, const context& c) const {
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

}}}
