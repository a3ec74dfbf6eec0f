#include "commands.hpp"

#include <fmt/format.h>

#include <cstring>

namespace nexus::simulation {
namespace {

template <class T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
std::optional<T> value_of(std::string_view bytes) {
  if (bytes.size() < sizeof(T)) return {};
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace

void apply(state& s, const event& e) noexcept {
  s.digest = mix(s.digest ^ mix((std::uint64_t{e.command} << 32U) | e.index));
  s.digest = mix(s.digest ^ static_cast<std::uint64_t>(e.amount));
  ++s.count;
  s.balance += e.amount;
  if (e.sets != gate_change::none) s.open = e.sets == gate_change::opens ? 1 : 0;
}

std::string encode(const event& e) { return bytes_of(e).append(e.padding, '.'); }
std::string encode(const state& s) { return bytes_of(s); }

std::optional<event> decode_event(std::string_view bytes) {
  auto made = value_of<event>(bytes);
  if (made && bytes.size() != sizeof(event) + made->padding) made.reset();
  return made;
}

std::optional<state> decode_state(std::string_view bytes) {
  if (bytes.size() != sizeof(state)) return {};
  return value_of<state>(bytes);
}

std::string to_string(const command& c) {
  static constexpr const char* names[] = {"write", "withdraw", "refuse", "gated", "throws"};
  auto text = fmt::format("{} {}", names[static_cast<int>(c.what)], c.events);
  if (c.sets == gate_change::opens) text += " opens";
  if (c.sets == gate_change::shuts) text += " shuts";
  for (const auto& effect : drawn_effects) {
    if (c.then.*effect.flag) text.append(" ").append(effect.name);
  }
  if (c.then.unstashes) text += " unstashes";
  if (c.verified) text += " verified";
  if (c.patience != 0) text += fmt::format(" within {}", c.patience);
  return text;
}

verdict decide(const state& s, const command& c, command_id id) {
  verdict made;
  made.after = s;
  const bool refused =
      c.what == kind::refuse || (c.what == kind::withdraw && s.balance + c.amount < 0);
  if (refused) {
    made.is = verdict::outcome::rejected;
    return made;
  }
  if (c.what == kind::gated && s.open == 0) {
    made.is = verdict::outcome::stash;
    return made;
  }
  for (; made.count < c.events; ++made.count) {
    const event e{made.after.digest, c.amount, id, c.sets, made.count, c.events, c.padding};
    apply(made.after, e);
    made.events[made.count] = e;
  }
  if (c.what == kind::throws) made.is = verdict::outcome::threw;
  return made;
}

command draw_command(random& r, const command_mix& mix) {
  command c;
  c.bytes = static_cast<std::uint32_t>(r.between(1, 60));
  c.padding = static_cast<std::uint32_t>(r.below(padding_max));
  c.amount = static_cast<std::int64_t>(r.between(1, 50));
  c.events = static_cast<std::uint8_t>(r.chance(450) ? 1 : r.below(events_max + 1));
  const auto which = r.below(100);
  if (which < 12 && mix.withdraws) {
    c.what = kind::withdraw;
    c.amount = -c.amount * 2;
    c.events = 1;
  } else if (which >= 12 && which < 17 && mix.refusals) {
    c.what = kind::refuse;
  } else if (which >= 17 && which < 32 && mix.gates) {
    c.what = kind::gated;
  } else if (which >= 32 && which < 36 && mix.throws) {
    c.what = kind::throws;
  } else if (which >= 36 && which < 50 && mix.gates) {
    c.sets = r.pick({gate_change::opens, gate_change::shuts, gate_change::shuts});
    c.then.unstashes = c.sets == gate_change::opens || r.chance(100);
  }
  for (const auto& effect : drawn_effects) {
    c.then.*effect.flag = mix.effects.*effect.flag && r.chance(effect.permille);
  }
  c.verified = mix.verified && r.chance(150);
  if (mix.deadlines && r.chance(150)) c.patience = r.pick<std::uint32_t>({3, 20, 200, 5'000});
  return c;
}

}
