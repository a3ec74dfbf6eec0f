#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "directory_core.hpp"
#include "entity_actor.hpp"
#include "nexus/detail/logger.hpp"

namespace nexus::inline v0::detail {
namespace {

fsm_options machine_options(const entity_options& options, const journal_limits& limits) {
  fsm_options made;
  made.undurable_max = std::max(1u, options.undurable_max);
  made.undurable_bytes_max = std::max<std::size_t>(1, options.undurable_bytes_max);
  // Room for one more: the command that brings the stash back must be admitted.
  made.stash_max = std::min(options.stash_max, std::max(1u, options.mailbox_max) - 1);
  made.snapshot_every = options.snapshot_every;
  made.snapshot_optional = options.snapshot_optional;
  made.erases_events = options.erase_events;
  made.filter = options.replay_filter;
  made.replay_chunk_events = std::max<std::size_t>(1, options.replay_chunk_events);
  made.decisions.event_bytes_max = limits.payload_bytes_max;
  // Undurable commands merge into one append, which must fit a request all the same.
  made.decisions.events_max =
      std::max<std::size_t>(1, limits.request_events_max / made.undurable_max);
  return made;
}

// Options that would lose something, or promise what cannot be.
result<void> check(const behavior_info& of, const entity_options& o) {
  auto bad = [&](std::string_view why) {
    return fail(errc::invalid_argument, fmt::format("entities \"{}\": {}", of.entity_type, why));
  };
  if (o.erase_events && o.keep_snapshots == 0) {
    return bad("erase_events needs keep_snapshots: events go when a snapshot stands for them");
  }
  if (o.erase_events && o.snapshot_optional) {
    return bad("snapshot_optional cannot go with erase_events: without the snapshot they are lost");
  }
  if (of.of_state && (o.snapshot_every != 0 || o.keep_snapshots != 0 || o.snapshot_optional)) {
    return bad("a durable state has no snapshots");
  }
  if (o.recoveries_max == 0) return bad("recoveries_max must be at least 1");
  return {};
}

std::string name_in_system(std::string_view type) { return fmt::format("entities {}", type); }

}  // namespace

std::shared_ptr<entity_directory> entity_directory::make(const behavior_info& of, system& sys,
                                                         const store& in,
                                                         const entity_options& options) {
  auto made = std::make_shared<directory_core>(of, sys, in, options);
  made->claim();
  return made;
}

directory_core::directory_core(const behavior_info& b, system& s, const store& st,
                               const entity_options& o)
    : of{b},
      sys{s},
      in{st},
      options{o},
      machine{machine_options(o, st.limits())},
      turns{s, o},
      status_{check(b, o)} {}

void directory_core::claim() {
  if (!status_) return;
  status_ = sys.claim(name_in_system(of.entity_type), weak_from_this());
  claimed_ = status_.has_value();
  if (claimed_) sys.metrics().include(in.metrics());
}

std::shared_ptr<entity_directory> find_directory(system& sys, std::string_view type) {
  return std::static_pointer_cast<directory_core>(sys.find(name_in_system(type)));
}

result<void> directory_core::status() const {
  if (closing()) {
    return fail(errc::stopped, fmt::format("entities \"{}\" were stopped", of.entity_type));
  }
  return status_;
}

// Without a listener: what no caller is told goes to the log as a warning.
void directory_core::tell(const entity_signal& what) const {
  if (options.on_signal) {
    try {
      return options.on_signal(what);
    } catch (const std::exception& e) {
      log().error("{}: on_signal threw: {}", what.id, e.what());
      return;
    }
  }
  switch (what.what) {
    case entity_signal::kind::recovered:
      break;
    case entity_signal::kind::recovery_failed:
    case entity_signal::kind::append_failed:
      log().debug("{}", what.why.message);
      break;
    case entity_signal::kind::snapshot_failed:
      log().warn("{}: snapshot {} was not saved: {}", what.id, what.number, what.why.message);
      break;
    case entity_signal::kind::prune_failed:
      log().warn("{}: what snapshot {} replaced was not erased: {}", what.id, what.number,
                 what.why.message);
      break;
    case entity_signal::kind::snapshot_ignored:
    case entity_signal::kind::interleaved:
      log().warn("{}", what.why.message);
  }
}

entity_directory::slot_ref directory_core::find(std::string_view id) const {
  auto& s = shard_of(id);
  std::lock_guard guard{s.lock};
  auto at = s.slots.find(id);
  return at == s.slots.end() ? nullptr : at->second;
}

// `closed` is a slot whose gate its entity has closed: its successor takes its place in the map.
result<entity_directory::slot_ref> directory_core::find_or_start(std::string_view id,
                                                                 const slot_ref& closed) {
  auto& s = shard_of(id);
  std::lock_guard guard{s.lock};
  if (auto at = s.slots.find(id); at != s.slots.end() && at->second != closed) return at->second;
  if (closing())
    return fail(errc::stopped, fmt::format("{}|{}: is being stopped", of.entity_type, id));
  auto name = persistence_id::make(of.entity_type, id);
  if (!name) return fail(std::move(name.error()));
  auto made = std::make_shared<slot>(std::string{id});
  live_.fetch_add(1);
  made->to = sys.spawn(std::make_unique<entity_actor>(shared_from_this(), made, std::move(*name)));
  s.slots.insert_or_assign(made->id, made);
  return made;
}

result<void> directory_core::send(std::string_view id, const slot_ref& known, entity_call& c,
                                  envelope e, admission by) {
  auto refuse = [&](error why) -> result<void> {
    if (by == admission::always) {
      sys.letters().publish({fmt::format("{}|{}", of.entity_type, id), c.header.command_id, why});
    }
    c.fail(why);
    return fail(std::move(why));
  };
  if (!status_) return refuse(status_.error());
  slot_ref closed;
  for (slot_ref to = known;;) {
    if (to == nullptr) {
      auto found = find_or_start(id, closed);
      if (!found) return refuse(std::move(found.error()));
      to = std::move(*found);
    }
    switch (to->enter(c.size_bytes, options, by)) {
      case slot::entry::admitted:
        to->to.send(std::move(e));
        return {};
      case slot::entry::full:
        return refuse(
            {errc::overloaded,
             fmt::format("{}|{}: too many commands are waiting (at most "
                         "{}, or {} bytes)",
                         of.entity_type, id, options.mailbox_max, options.mailbox_bytes_max)});
      case slot::entry::closed:
        closed = std::exchange(to, nullptr);
        break;
    }
  }
}

void directory_core::remove(const slot& gone) {
  auto& s = shard_of(gone.id);
  std::lock_guard guard{s.lock};
  auto at = s.slots.find(gone.id);
  if (at != s.slots.end() && at->second.get() == &gone) s.slots.erase(at);
}

void directory_core::gone() {
  std::lock_guard guard{closed_lock_};
  live_.fetch_sub(1);
  closed_.notify_all();
}

void directory_core::close() {
  if (closing_.exchange(true)) return;
  std::vector<slot_ref> all;
  for (auto& s : shards_) {
    std::lock_guard guard{s.lock};
    for (auto& [id, one] : s.slots) all.push_back(one);
  }
  for (auto& one : all) one->to.send(envelope{new close_message});
  std::unique_lock guard{closed_lock_};
  closed_.wait(guard, [&] { return live_.load() == 0; });
  turns.close();
  if (claimed_) sys.release(name_in_system(of.entity_type));
}

}
