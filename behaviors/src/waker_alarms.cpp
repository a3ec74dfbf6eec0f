// The part of the waker's actor for one type: reading its alarms, waking its entities, and what they
// answer.
#include <fmt/format.h>

#include "nexus/detail/logger.hpp"
#include "nexus/journal_errors.hpp"
#include "waker_actor.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

void lower(std::atomic<timestamp>& to, timestamp t) noexcept {
  auto is = to.load();
  while (t < is && !to.compare_exchange_weak(is, t)) {
  }
}

}  // namespace

// Due times that are stored meanwhile are told: `planned` is what this look knows in the end.
void waker_actor::look(type_state& of, const moment& now) {
  const auto to = of.to.lock();
  if (to == nullptr || of.shared->barred) return;
  of.shared->told = false;
  of.queue.note(of.shared->planned.exchange(timestamp::max()));
  if (!of.down()) {
    wake_due(of, *to, now);
    read_retries(of, *to, now);
    sweep(of, *to, now);
  }
  read_due(of, *to, now);
  lower(of.shared->planned, of.queue.scan().planned());
  of.shared->in_flight = of.queue.in_flight();
  of.shared->overdue = of.queue.overdue();
}

// -- reading ----------------------------------------------------------------------------------

void waker_actor::read_due(type_state& of, const directory_core& by, const moment& now) {
  auto wanted = of.queue.scan().next_read(now);
  if (!wanted) return;
  const auto f = [type = of.name, which = *std::move(wanted), max = times_->page_rows,
                  own = sys_.writer_id()](journal_session& s) {
    return read_alarms(s, type, which, max, own);
  };
  read(by, f, [key = of.key](waker_actor& self, result<alarm_page> page) {
    if (auto* reader = self.type_of(key)) self.took_due(*reader, std::move(page));
  });
}

void waker_actor::took_due(type_state& of, result<alarm_page> page) {
  const auto at = now();
  if (!page) {
    of.queue.scan().failed(at, sys_.random());
    return reads_failed(of, page.error());
  }
  tell_corrupt(of, page->corrupt);
  auto& writers = of.in->writers;
  of.queue.scan().took(*std::move(page), at, [&](const stored_alarm& row) {
    writers.meet(row.writer, at.steady);
    return writers.runs_here(row.writer);
  });
  reads_work(of);
  look(of, at);
}

void waker_actor::reads_work(type_state& of) {
  of.told_reads = false;
  if (std::exchange(of.reads_fail, false) && !of.down()) hurry(of, now());
}

// A failure that another try does not mend, too: until it ends, alarms of the type do not run.
void waker_actor::reads_failed(type_state& of, const error& why) {
  of.reads_fail = of.reads_fail || counts_for_breaker(why.code);
  if (std::exchange(of.told_reads, true)) return;
  log().warn("entities \"{}\": reading alarms fails, none is run until it works again: {}", of.name,
             why.message);
}

void waker_actor::tell_corrupt(type_state& of, const std::vector<error>& rows) {
  for (const auto& why : rows) {
    of.failed->add();
    if (of.told_corrupt.size() >= type_state::told_corrupt_max) continue;
    if (!of.told_corrupt.insert(why.message).second) continue;
    log().error("{}; it is not run: remove its row, and the next recovery of the entity writes it",
                why.message);
  }
}

void waker_actor::read_retries(type_state& of, const directory_core& by, const moment& now) {
  auto ids = of.queue.next_retries(now.steady);
  if (ids.empty()) return;
  const auto f = [ids](journal_session& s) { return read_alarms_of(s, ids); };
  read(by, f, [key = of.key, ids](waker_actor& self, result<std::vector<stored_alarm>> found) {
    if (auto* reader = self.type_of(key)) self.took_retries(*reader, ids, std::move(found));
  });
}

void waker_actor::took_retries(type_state& of, std::span<const std::string> ids,
                               result<std::vector<stored_alarm>> found) {
  const auto at = now();
  if (!found) {
    of.queue.retries_failed(ids, at.steady);
    return reads_failed(of, found.error());
  }
  of.queue.took_retries(ids, *std::move(found));
  look(of, at);
}

// -- waking -----------------------------------------------------------------------------------

void waker_actor::wake_due(type_state& of, directory_core& to, const moment& now) {
  of.queue.others_start(of.sweep.starts_max());
  const auto is_live = [&](const persistence_id& id) { return to.find(id.id()) != nullptr; };
  while (auto row = of.queue.next(now, of.in->writers, is_live))
    send(of, to, row->id, row->due, now);
}

void waker_actor::send(type_state& of, directory_core& to, const persistence_id& id,
                       std::optional<timestamp> found, const moment& now) {
  const envelope back{new answer_message{of.key, id, !found}};
  const auto answered = [back, self = self_](const alarm_message::outcome& is) {
    back.as<answer_message>().is = is;
    self.send(back);
  };
  const auto recovered = [key = of.key, id, self = self_] {
    self.send(envelope{new recovered_message{key, id}});
  };
  const envelope asks{new alarm_message{now.wall, found, answered, recovered}};
  auto sent = to.wake(id.id(), asks);
  if (!sent) asks.as<alarm_message>().answer({.why = std::move(sent.error())});
}

void waker_actor::recovered(const recovered_message& m) {
  auto* of = type_of(m.key);
  if (of != nullptr && of->queue.recovered(m.id)) look(*of, now());
}

void waker_actor::answered(answer_message& m) {
  auto* of = type_of(m.key);
  if (of == nullptr) return;
  const auto at = now();
  m.of_sweep ? swept(*of, m, at) : ran(*of, m, at);
  look(*of, at);
}

void waker_actor::ran(type_state& of, const answer_message& m, const moment& now) {
  const auto is = of.queue.answered(m.id, {m.is.due, m.is.known, m.is.why.code, m.is.busy},
                                    now.steady, sys_.random());
  note_storage(of, is, now);
  if (is.what == alarm_queue::verdict::kind::fired) {
    of.fired->add();
    of.late->observe(std::chrono::duration<double>(time_until(is.due, now.wall)).count());
  } else if (is.what == alarm_queue::verdict::kind::failed) {
    tell_failure(of, m.id, m.is, is.failures, is.remembered);
  }
  const bool many = of.queue.many_fail();
  if (many && !of.told_many) {
    log().warn("entities \"{}\": the alarms of {} ids fail; failures of further ids are not logged",
               of.name, times_->retries_max);
  }
  of.told_many = many;
}

// A command that was refused leaves the alarm as the state has it. An entity that decides its alarm
// just then corrects it, too, but it may fail to: it is asked again.
void waker_actor::swept(type_state& of, const answer_message& m, const moment& now) {
  const auto code = m.is.why.code;
  const bool done = m.is.known && (m.is.why.message.empty() || code == errc::rejected);
  const bool of_storage = !m.is.known && (counts_for_breaker(code) || code == errc::stopped);
  const auto failures = of.sweep.answered(m.id, done, now.steady, sys_.random(), of_storage);
  const bool stops = code == errc::stopped && failures < times_->stops_max;
  if (failures != 0 && !m.is.busy && !stops) tell_failure(of, m.id, m.is, failures, true);
}

// If only appends failed, no read and no heartbeat tells that they work again: a firing does.
void waker_actor::note_storage(type_state& of, const alarm_queue::verdict& is, const moment& now) {
  auto& in = *of.in;
  if (is.of_storage) in.appends_fail = true;
  const bool works = is.what == alarm_queue::verdict::kind::fired && in.appends_fail;
  if (!works || now.steady < later(in.hurried_at, times_->hurry_every)) return;
  in.appends_fail = false;
  in.hurried_at = now.steady;
  hurry_all_of(in);
}

void waker_actor::tell_failure(type_state& of, const persistence_id& id,
                               const alarm_message::outcome& is, unsigned failures,
                               bool remembered) {
  if (of.shared->barred) return;
  of.failed->add();
  const auto to = of.to.lock();
  if (to == nullptr) return;
  const auto* why = is.why.message.empty() ? "the command changed nothing" : is.why.message.c_str();
  const auto code = is.why.message.empty() ? errc::rejected : is.why.code;
  const auto first = code == errc::stopped ? times_->stops_max : 1;  // that is told
  const auto& name = id.str();
  to->tell({entity_signal::kind::alarm_failed,
            name,
            0,
            {code, fmt::format("{}: its alarm is overdue and was not run ({} times by now); it is "
                               "tried again after a pause: {}",
                               name, failures, why)}},
           failures == first && remembered);
}

// -- the sweep --------------------------------------------------------------------------------

void waker_actor::sweep(type_state& of, directory_core& to, const moment& now) {
  if (of.sweep.over()) return;
  if (const auto what = of.sweep.next(now.steady); what != alarm_sweep::todo::nothing) {
    sweep_reads(of, to, what);
  }
  while (auto id = of.sweep.next_id(now.steady)) send(of, to, *id, std::nullopt, now);
}

template <class T>
void waker_actor::after_sweep(std::uint64_t key, result<T> what,
                              void (*f)(waker_actor&, type_state&, T)) {
  auto* of = type_of(key);
  if (of == nullptr) return;
  if (what) {
    f(*this, *of, *std::move(what));
  } else {
    of->sweep.failed(sys_.steady(), sys_.random());
    if (!counts_for_breaker(what.error().code)) {
      log().warn("entities \"{}\": the sweep after a change of alarm_version: {}", of->name,
                 what.error().message);
    }
  }
  look(*of, now());
}

void waker_actor::sweep_reads(type_state& of, const directory_core& by, alarm_sweep::todo what) {
  using saved = std::optional<sweep_progress>;
  const auto took_progress = [](waker_actor& self, type_state& t, sweep_progress found) {
    t.sweep.loaded(std::move(found), self.sys_.steady(), t.in->writers);
    if (!t.sweep.outdated()) return;
    log().warn(
        "entities \"{}\": the journal's alarms are of alarm_version {}, and this program's "
        "is older: stop older programs before newer ones start",
        t.name, t.sweep.stored().version);
  };
  const auto took_save = [](waker_actor& self, type_state& t, saved other) {
    if (!other) return t.sweep.saved();
    t.sweep.loaded(*std::move(other), self.sys_.steady(), t.in->writers);
  };
  const auto took_ids = [](waker_actor&, type_state& t, std::vector<persistence_id> ids) {
    t.sweep.took(std::move(ids));
  };
  const auto key = of.key;
  switch (what) {
    case alarm_sweep::todo::load:
      return read(
          by, [type = of.name](journal_session& s) { return read_sweep(s, type); },
          [key, took_progress](waker_actor& self, result<sweep_progress> r) {
            self.after_sweep<sweep_progress>(key, std::move(r), took_progress);
          });
    case alarm_sweep::todo::save:
      return read(
          by,
          [type = of.name, expected = of.sweep.stored(), next = of.sweep.wanted()](
              journal_session& s) { return save_sweep(s, type, expected, next); },
          [key, took_save](waker_actor& self, result<saved> r) {
            self.after_sweep<saved>(key, std::move(r), took_save);
          });
    case alarm_sweep::todo::page:
      return read(
          by,
          [type = of.name, of_state = of.of_state, after = of.sweep.after(),
           max = times_->sweep_rows](journal_session& s) {
            const id_filter which{.type = type, .after = after};
            return of_state ? s.state_ids(which, max) : s.ids(which, max);
          },
          [key, took_ids](waker_actor& self, result<std::vector<persistence_id>> r) {
            self.after_sweep<std::vector<persistence_id>>(key, std::move(r), took_ids);
          });
    case alarm_sweep::todo::nothing:
      return;
  }
}

}}}
