#include "entity_actor.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>
#include <utility>

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

result<load_result> load_from(journal_session& session, const persistence_id& id) {
  auto highest = session.highest(id);
  if (!highest) return fail(std::move(highest.error()));
  auto snapshot = session.load_snapshot(id, {});
  if (!snapshot) return fail(std::move(snapshot.error()));
  return load_result{*highest, std::move(*snapshot)};
}

result<replay_chunk> replay_from(journal_session& session, const persistence_id& id, replay range,
                                 std::size_t bytes_max) {
  replay_chunk chunk;
  const auto count = static_cast<std::size_t>(range.to - range.from + 1);
  auto read = session.replay_payloads(id, range.from, range.to, count, [&](const record_view& r) {
    chunk.add(r);
    return chunk.bytes() < bytes_max;
  });
  if (!read) return fail(std::move(read.error()));
  return chunk;
}

}  // namespace

entity_actor::entity_actor(std::shared_ptr<directory_core> in,
                           std::shared_ptr<entity_directory::slot> at, persistence_id id)
    : core_{std::move(in)},
      slot_{std::move(at)},
      id_{std::move(id)},
      model_{core_->factory()},
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
    case close_message::message_kind:
      fsm_.step(now, close_asked{}, out);
      break;
    default:
      spdlog::error("{}: a message of unknown kind {}", id_.str(), m.get()->kind());
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
        spdlog::warn("{}: snapshot {} was not saved: {}", id_.str(), job.snapshot.number,
                     job.saved.error().message);
      }
      fsm_.step(now, snapshot_saved{}, out);
  }
}

// -- actions ----------------------------------------------------------------------------------

// Runs `f(session)` on a reader's thread and has `answer` sent back with what it gave.
template <class F>
void entity_actor::read(envelope answer, F f) {
  auto job = [answer, f, to = self_](journal_session& session) {
    const bool fine = f(session);
    to.send(answer);
    return fine;
  };
  auto queued = core_->in.read(std::move(job));
  if (queued) return;
  if (answer.get()->kind() == load_answer::message_kind) {
    answer.as<load_answer>().what = fail(std::move(queued.error()));
  } else {
    answer.as<replay_answer>().what = fail(std::move(queued.error()));
  }
  self_.send(std::move(answer));
}

void entity_actor::perform(timestamp /*now*/, load a, actions& /*out*/) {
  envelope answer{new load_answer{a.epoch}};
  read(answer, [to = &answer.as<load_answer>(), id = id_](journal_session& session) {
    to->what = load_from(session, id);
    return to->what || to->what.error().code != errc::unavailable;
  });
}

void entity_actor::perform(timestamp /*now*/, replay a, actions& /*out*/) {
  envelope answer{new replay_answer{a}};
  read(answer, [to = &answer.as<replay_answer>(), id = id_, a,
                bytes_max = core_->options.replay_chunk_bytes](journal_session& session) {
    to->what = replay_from(session, id, a, bytes_max);
    return to->what || to->what.error().code != errc::unavailable;
  });
}

void entity_actor::perform(timestamp now, decode_chunk /*a*/, actions& out) {
  fsm_.step(now, decode_due{}, out);
}

void entity_actor::perform(timestamp /*now*/, append a, actions& /*out*/) {
  auto job = std::make_unique<write_job>(written_kind, id_);
  job->reply_to = self_;
  job->expected = a.expected;
  job->writer = core_->sys.writer_id();
  job->events = std::move(a.events);
  in_flight_ = envelope{job.release()};
  core_->in.write(in_flight_);
}

void entity_actor::perform(timestamp /*now*/, settle /*a*/, actions& /*out*/) {
  in_flight_.as<write_job>().todo = write_job::step::settle;
  core_->in.write(in_flight_);
}

void entity_actor::perform(timestamp now, save a, actions& /*out*/) {
  auto job = std::make_unique<write_job>(written_kind, id_);
  job->reply_to = self_;
  job->todo = write_job::step::save_snapshot;
  job->snapshot = std::move(a.snapshot);
  job->snapshot.writer = core_->sys.writer_id();
  job->snapshot.time = now;
  core_->in.write(envelope{job.release()});
}

// Counted out first: whoever gets the answer finds room for the next command.
void entity_actor::perform(timestamp /*now*/, release a, actions& /*out*/) {
  auto& call = a.call.as<entity_call>();
  slot_->leave(call.size_bytes);
  call.finish(*model_);
}

void entity_actor::perform(timestamp /*now*/, refuse a, actions& /*out*/) {
  auto& call = a.call.as<entity_call>();
  slot_->leave(call.size_bytes);
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
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> jitter{0.8, 1.2};
  self_.send_after(std::chrono::duration_cast<std::chrono::microseconds>(delay * jitter(random)),
                   envelope{new timer_message{a.epoch}});
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
