#include "entity.hpp"

#include <fmt/format.h>

namespace nexus::simulation {

enum : std::uint32_t { of_encoding = 400, of_process, of_looking };

// -- the model --------------------------------------------------------------------------------

result<void> sim_model::restore(const stored_snapshot& from) {
  const auto saved = decode_state(from.data);
  if (!saved) {
    now.digest = ~now.digest;  // half of it was decoded
    return fail(errc::corrupt, "does not decode");
  }
  now = *saved;
  return {};
}

result<void> sim_model::replay(const event_view& view) {
  const auto e = decode_event(view.data);
  if (!e || e->before != now.digest) {
    witness_.all.judge.broken("a recovery applies each event to the state before it",
                              fmt::format("event {}", now.count + 1));
    return fail(errc::corrupt, "is out of order");
  }
  apply(now, *e);
  return {};
}

result<stored_snapshot> sim_model::encode_snapshot() const {
  random r{witness_.all.planned.seed, of_encoding, now.digest, ++encoded_};
  if (witness_.all.strikes(fault::encode_error, r)) return fail(errc::corrupt, "does not encode");
  stored_snapshot made;
  made.type = "simulated";
  made.data = encode(now);
  return made;
}

envelope sim_model::recovered_call() {
  const auto wanted = witness_.all.planned.recovered;
  if (wanted == on_recovered::nothing) return {};
  auto* made = new sim_call{witness_, 0, recovered_command(wanted)};
  envelope call{made};
  made->leave();  // no caller
  return call;
}

std::optional<timestamp> sim_model::due_now() const {
  if (const auto due = due_of(witness_.all.planned, now)) return time_of(*due);
  return {};
}

bool sim_model::alarm_fails() {
  auto& all = witness_.all;
  random r{all.planned.seed, of_looking, now.digest, all.time.now()};
  return all.strikes(fault::alarm_fails, r);
}

result<void> sim_model::look_at_alarm() {
  if (alarm_fails()) {
    witness_.alarms.throws();
    return fail(errc::apply_failed, "alarm threw");
  }
  due_ = due_now();
  return {};
}

result<envelope> sim_model::alarm_call() {
  if (alarm_fails()) return fail(errc::apply_failed, "alarm threw");
  const auto wanted = alarm_of(witness_.all.planned, now);
  if (!wanted) return envelope{};
  auto* made = new sim_call{witness_, *wanted, now};
  envelope call{made};
  made->leave();  // no caller
  return call;
}

// -- a command --------------------------------------------------------------------------------

d::decision sim_call::decide(d::entity_model& model, const context& c,
                             const d::decision_limits& limits, d::event_batch& out) noexcept {
  auto& m = static_cast<sim_model&>(model);
  witness_->commands.decides(id_, m.now);
  if (alarm) {
    witness_->alarms.decides(m.now, named_by_, c.now());
    what_ = wake_.at(vtime_of(c.now()));
  }
  witness_->storage.check_truth_known();
  if (c.next_nr() != m.now.count + 1) {
    witness_->all.judge.broken("the context tells the next number",
                               fmt::format("{} after {} events", c.next_nr(), m.now.count));
  }
  if (id_ == 0 && process_fails(m)) return last_;
  const auto verdict = simulation::decide(m.now, what_, id_);
  const auto already = out.size();
  const auto before = m.now;
  last_ = take(verdict, m, limits, out);
  witness_->commands.decided(id_, last_, size_bytes, out.size() - already);
  if (!of_caller()) return last_;
  auto& f = witness_->all.fate_of(id_);
  ++f.decided;
  if (last_.flags.stashes) ++f.stashed;
  f.last = last_;
  f.seen = last_.rebuilds ? before : m.now;
  return last_;
}

bool sim_call::process_fails(sim_model& m) {
  auto& all = witness_->all;
  random r{all.planned.seed, of_process, m.now.digest, all.time.now()};
  if (!all.strikes(fault::process_fails, r)) return false;
  all.reaches(landmark::process_failed);
  witness_->commands.process_fails();
  witness_->storage.process_fails();
  last_ = {.failed = true};
  if (r.chance(500)) {
    m.now.digest = ~m.now.digest;  // spoilt
    last_.rebuilds = true;
    set_error({errc::apply_failed, "threw"});
  } else {
    set_error(r.chance(500) ? error{errc::rejected, "refused"} : error{errc::too_large, "big"});
  }
  return true;
}

d::decision sim_call::take(const verdict& v, sim_model& model, const d::decision_limits& limits,
                           d::event_batch& out) {
  switch (v.is) {
    case verdict::outcome::rejected:
      set_error({errc::rejected, "refused"});
      return {};
    case verdict::outcome::stash:
      if (!limits.stash_full) return {.flags = {.stashes = true}};
      set_error({errc::overloaded, "the stash is full"});
      return {};
    case verdict::outcome::threw:
      model.now.digest = ~model.now.digest;  // spoilt
      set_error({errc::apply_failed, "threw"});
      return {.rebuilds = true};
    default:
      break;
  }
  for (std::size_t i = 0; i < v.count; ++i) {
    const auto bytes = encode(v.events[i]);
    event_view view;
    view.type = "happened";
    view.data = bytes;
    out.add(view);
  }
  model.now = v.after;
  if (v.count > 0) model.wakes();
  answer.emplace(v.after);
  return {.flags = what_.then};
}

void sim_call::finish(const d::entity_model& model, d::entity_host& /*host*/) noexcept {
  if (last_.flags.runs && of_caller()) {
    auto& f = witness_->all.fate_of(id_);
    if (f.chained) witness_->all.judge.broken("a chain runs once", fmt::format("command {}", id_));
    f.chained = true;
    f.chain_saw = static_cast<const sim_model&>(model).now;
    witness_->all.chains.push_back(id_);
  }
  complete();
}

}
