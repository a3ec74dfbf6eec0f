#include "entity_actor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "nexus/detail/logger.hpp"

namespace nexus::inline v0::detail {
namespace {

constexpr std::uint8_t written_kind = 2;

struct load_answer final : message {
  static constexpr std::uint8_t message_kind = 3;
  explicit load_answer(std::uint32_t e) : message{message_kind}, epoch{e} {}
  std::uint32_t epoch;
  result<load_result> what;
};

struct replay_answer final : message {
  static constexpr std::uint8_t message_kind = 4;
  explicit replay_answer(replay a) : message{message_kind}, asked{a} {}
  replay asked;
  result<replay_chunk> what;
};

struct timer_message final : message {
  static constexpr std::uint8_t message_kind = 6;
  explicit timer_message(std::uint32_t e) : message{message_kind}, epoch{e} {}
  std::uint32_t epoch;
};

// The snapshot first: another system may save one meanwhile, and a snapshot beyond the highest number
// is taken for corrupt.
result<load_result> load_events(journal_session& session, const persistence_id& id) {
  auto snapshot = session.load_snapshot(id, {});
  auto highest = session.highest(id);
  if (!highest) return fail(std::move(highest.error()));
  return load_result{*highest, std::move(snapshot)};
}

// A durable state is its own newest snapshot; a tombstone is one without a type.
result<load_result> load_state(journal_session& session, const persistence_id& id) {
  auto found = session.get_state(id);
  if (!found) return fail(std::move(found.error()));
  if (!*found) return load_result{};
  auto& is = **found;
  stored_snapshot snapshot;
  snapshot.number = is.version;
  if (!is.erased) {
    snapshot.type = std::move(is.type);
    snapshot.schema_version = is.schema_version;
    snapshot.codec = std::move(is.codec);
    snapshot.data = std::move(is.data);
  }
  return load_result{is.version, std::optional{std::move(snapshot)}};
}

bool storage_answered(const error& why) { return why.code != errc::unavailable; }
template <class T>
bool storage_answered(const result<T>& r) {
  return r.has_value() || storage_answered(r.error());
}

// Whole records only for a filter, which wants to know their writers.
result<replay_chunk> replay_from(journal_session& session, const persistence_id& id, replay range,
                                 const entity_options& options) {
  replay_chunk chunk;
  const auto count = static_cast<std::size_t>(range.to - range.from + 1);
  auto sink = [&](const record_view& r) {
    chunk.add(r);
    return chunk.bytes() < options.replay_chunk_bytes;
  };
  auto read = options.replay_filter.mode == replay_filter_mode::off
                  ? session.replay_payloads(id, range.from, range.to, count, sink)
                  : session.replay(id, range.from, range.to, count, sink);
  if (!read) return fail(std::move(read.error()));
  return chunk;
}

}  // namespace

entity_actor::entity_actor(std::shared_ptr<directory_core> in,
                           std::shared_ptr<entity_directory::slot> at, persistence_id id)
    : core_{std::move(in)},
      slot_{std::move(at)},
      id_{std::move(id)},
      model_{core_->of.make_model()},
      fsm_{id_, *model_, core_->machine} {}

entity_actor::~entity_actor() { core_->gone(); }

actor::verdict entity_actor::receive(envelope m) {
  thread_local actions out;
  const auto now = core_->sys.time().now();
  out.clear();
  dispatch(now, std::move(m), out);
  auto perform_all = [&] {
    for (std::size_t i = 0; i < out.size(); ++i) {
      auto next = std::move(out[i]);
      std::visit([&](auto& a) { perform(now, std::move(a), out); }, next);
    }
    out.clear();
  };
  perform_all();
  // Every command sent is counted at the gate, so what the machine does not hold is still queued.
  if (!over_ && slot_->count() == fsm_.held()) {
    fsm_.step(now, drained{}, out);
    perform_all();
  }
  if (turn_ && !fsm_.recovering()) turn_ = {};
  return over_ ? verdict::stop : verdict::go_on;
}

void entity_actor::dispatch(timestamp now, envelope m, actions& out) {
  switch (m.get()->kind()) {
    case entity_call::message_kind:
      fsm_.step(now, std::move(m), out);
      break;
    case written_kind:
      written(now, m, out);
      break;
    case load_answer::message_kind: {
      auto& a = m.as<load_answer>();
      fsm_.step(now, loaded{a.epoch, std::move(a.what)}, out);
      break;
    }
    case replay_answer::message_kind: {
      auto& a = m.as<replay_answer>();
      fsm_.step(now, replayed{a.asked.epoch, a.asked.from, a.asked.to, std::move(a.what)}, out);
      break;
    }
    case timer_message::message_kind:
      fsm_.step(now, wait_over{m.as<timer_message>().epoch}, out);
      break;
    case recoveries::called_message::message_kind:
      load_now();
      break;
    case recoveries::watch_message::message_kind:
      watch(now, out);
      break;
    case close_message::message_kind:
      fsm_.step(now, close_asked{}, out);
      break;
    default:
      log().error("{}: a message of unknown kind {}", id_.str(), m.get()->kind());
  }
}

void entity_actor::written(timestamp now, const envelope& m, actions& out) {
  auto& job = m.as<write_job>();
  switch (job.todo) {
    case write_job::step::append:
      fsm_.step(now, appended{std::move(job.outcome)}, out);
      break;
    case write_job::step::settle:
      fsm_.step(now, settle_answered{std::move(job.settled)}, out);
      break;
    case write_job::step::save_snapshot:
      if (!job.saved) {
        perform(now,
                tell{entity_signal::kind::snapshot_failed, job.snapshot.number, job.saved.error()},
                out);
      } else if (!job.pruned) {
        perform(now,
                tell{entity_signal::kind::prune_failed, job.snapshot.number, job.pruned.error()},
                out);
      }
      fsm_.step(now, snapshot_saved{}, out);
  }
}

// -- actions ----------------------------------------------------------------------------------

// Has `f(session)` give the answer on a reader's thread, and sends it back.
template <class Answer, class F>
void entity_actor::read(Answer* answer, F f) {
  envelope held{answer};
  auto queued = core_->in.read([answer, held, f, to = self_](journal_session& session) {
    answer->what = f(session);
    const bool fine = storage_answered(answer->what);
    to.send(held);
    return fine;
  });
  if (queued) return;
  answer->what = fail(std::move(queued.error()));
  self_.send(std::move(held));
}

void entity_actor::perform(timestamp /*now*/, load a, actions& /*out*/) {
  load_due_ = a;
  if (!turn_) turn_ = core_->turns.ask(self_);
  load_now();
}

void entity_actor::load_now() {
  if (!load_due_ || !turn_.called()) return;  // called for a recovery that was given up
  read(new load_answer{std::exchange(load_due_, {})->epoch},
       [id = id_, of_state = core_->of.of_state](journal_session& session) {
         return of_state ? load_state(session, id) : load_events(session, id);
       });
}

void entity_actor::perform(timestamp /*now*/, replay a, actions& /*out*/) {
  read(new replay_answer{a}, [id = id_, a, core = core_](journal_session& session) {
    return replay_from(session, id, a, core->options);
  });
}

// Looked at once per recovery_timeout: nothing has moved since the last time.
void entity_actor::watch(timestamp now, actions& out) {
  const bool same =
      fsm_.recovering() && watched_epoch_ == fsm_.epoch() && watched_progress_ == fsm_.progress();
  watched_epoch_ = fsm_.epoch();
  watched_progress_ = fsm_.progress();
  if (same) fsm_.step(now, recovery_stalled{fsm_.epoch()}, out);
}

void entity_actor::perform(timestamp now, decode_chunk /*a*/, actions& out) {
  fsm_.step(now, decode_due{}, out);
}

std::unique_ptr<write_job> entity_actor::make_job(write_job::step todo) const {
  auto job = std::make_unique<write_job>(written_kind, id_);
  job->reply_to = self_;
  job->todo = todo;
  job->writer = core_->sys.writer_id();
  job->of_state = core_->of.of_state;
  return job;
}

void entity_actor::perform(timestamp /*now*/, append a, actions& /*out*/) {
  auto job = make_job(write_job::step::append);
  job->expected = a.expected;
  job->events = std::move(a.events);
  in_flight_ = envelope{job.release()};
  core_->in.write(in_flight_);
}

void entity_actor::perform(timestamp /*now*/, settle /*a*/, actions& /*out*/) {
  in_flight_.as<write_job>().todo = write_job::step::settle;
  core_->in.write(in_flight_);
}

void entity_actor::perform(timestamp now, save a, actions& /*out*/) {
  auto job = make_job(write_job::step::save_snapshot);
  job->snapshot = std::move(a.snapshot);
  job->snapshot.writer = job->writer;
  job->snapshot.time = now;
  job->keep = {core_->options.keep_snapshots, core_->options.erase_events};
  core_->in.write(envelope{job.release()});
}

// Counted out first: whoever gets the answer finds room for the next command.
void entity_actor::perform(timestamp /*now*/, release a, actions& /*out*/) {
  auto& call = a.call.as<entity_call>();
  if (call.counted) slot_->leave(call.size_bytes);
  call.finish(*model_, *this);
}

void entity_actor::perform(timestamp /*now*/, refuse a, actions& /*out*/) {
  auto& call = a.call.as<entity_call>();
  if (call.counted) slot_->leave(call.size_bytes);
  call.fail(std::move(a.why));
}

void entity_actor::perform(timestamp now, run a, actions& out) {
  perform(now, release{std::move(a.call)}, out);
  fsm_.step(now, run_done{}, out);
}

void entity_actor::perform(timestamp /*now*/, wait a, actions& /*out*/) {
  constexpr std::uint32_t doublings_max = 16;
  const auto grown = core_->options.backoff_min * (1 << std::min(a.attempt, doublings_max));
  const auto delay = std::min<std::chrono::microseconds>(grown, core_->options.backoff_max);
  // Jitter, so that entities that failed together do not come back together.
  const auto jitter = 0.8 + 0.4 * static_cast<double>(core_->sys.random() % 1024) / 1024;
  self_.send_after(std::chrono::duration_cast<std::chrono::microseconds>(delay * jitter),
                   envelope{new timer_message{a.epoch}});
}

void entity_actor::perform(timestamp /*now*/, tell a, actions& /*out*/) {
  core_->tell({a.what, id_.str(), a.number, std::move(a.why)});
}

std::shared_ptr<entity_directory> entity_actor::directory_of(std::string_view type) {
  return find_directory(core_->sys, type);
}

void entity_actor::unhandled(const entity_call& c, const error& why) {
  core_->sys.letters().publish({id_.str(), c.header.command_id, why});
}

void entity_actor::perform(timestamp /*now*/, stopped /*a*/, actions& /*out*/) {
  in_flight_ = {};
  if (core_->closing()) {
    slot_->close();
  } else if (!slot_->try_close()) {
    return;  // a command is on its way: this actor serves it as the next incarnation
  }
  core_->remove(*slot_);
  over_ = true;
}

}
