// The reads of recoveries from the model journal.
#include <algorithm>
#include <utility>

#include "model_journal.hpp"

namespace nexus::simulation {

void model_journal::load(std::uint32_t node, std::function<void(result<d::load_result>)> done) {
  auto answer = std::make_shared<result<d::load_result>>(d::load_result{});
  auto then = [answer, done = std::move(done)] { done(std::move(*answer)); };
  perform(
      begin(node), false,
      [this, answer, then](operation& o, vtime& more) {
        const bool out = outage();
        if (out) s_.happened |= bit(fault::outage);
        if (out || s_.strikes(fault::load_error, o.choices)) {
          *answer = fail(errc::unavailable, "simulated trouble");
          return;
        }
        if (s_.strikes(fault::load_stall, o.choices)) more += stall + o.choices.below(stall);
        (*answer)->snapshot = newest_snapshot(o);
        if (s_.planned.durable_state) load_state(**answer);
        if (s_.planned.durable_state && s_.planned.wakes == alarms::none) return;
        load_later(o, more, answer);
      },
      then);
}

// The next reads, between which another writer may write: the highest number, then the alarm.
void model_journal::load_later(operation& o, vtime until,
                               const std::shared_ptr<result<d::load_result>>& to) {
  const auto first = s_.planned.durable_state ? 0 : o.choices.below(until);
  const auto second = o.choices.below(until - first);
  s_.time.after(first, [this, to, second] {
    if (!s_.planned.durable_state) (*to)->highest = highest();
    if (s_.planned.wakes == alarms::none) return;
    s_.time.after(second, [this, to] { (*to)->alarm = alarm_; });
  });
}

void model_journal::read_highest(std::uint32_t node,
                                 std::function<void(result<sequence_nr>)> done) {
  auto answer = std::make_shared<result<sequence_nr>>(0);
  perform(
      begin(node), false,
      [this, answer](operation& o, vtime& more) {
        const bool out = outage();
        if (out) s_.happened |= bit(fault::outage);
        if (out || s_.strikes(fault::load_error, o.choices)) {
          *answer = fail(errc::unavailable, "simulated trouble");
          return;
        }
        if (s_.strikes(fault::load_stall, o.choices)) more += stall + o.choices.below(stall);
        *answer = highest();
      },
      [answer, done = std::move(done)] { done(std::move(*answer)); });
}

// One read returns both.
void model_journal::load_state(d::load_result& to) const {
  to.highest = highest();
  if (highest() == 0) return;
  stored_snapshot made;
  made.number = highest();
  made.data = encode(at(highest()));
  to.snapshot = std::optional{std::move(made)};
}

std::optional<stored_snapshot> model_journal::newest_snapshot(operation& o) {
  if (snapshots_.empty()) return {};
  auto found = snapshots_.rbegin()->second;
  if (s_.strikes(fault::bad_snapshot, o.choices)) {
    if (o.choices.chance(500)) {
      found.data = "bad";
    } else {
      found.number += 1'000;
    }
  }
  return found;
}

void model_journal::replay(std::uint32_t node, sequence_nr from, sequence_nr to,
                           std::function<void(result<d::replay_chunk>)> done) {
  auto answer = std::make_shared<result<d::replay_chunk>>(d::replay_chunk{});
  perform(
      begin(node), false,
      [this, answer, from, to](operation& o, vtime& more) {
        *answer = perform_replay(o, from, to);
        if (s_.strikes(fault::replay_stall, o.choices)) more += stall + o.choices.below(stall);
      },
      [answer, done = std::move(done)] { done(std::move(*answer)); });
}

result<d::replay_chunk> model_journal::perform_replay(operation& o, sequence_nr from,
                                                      sequence_nr to) {
  const bool out = outage();
  if (out) s_.happened |= bit(fault::outage);
  if (out || s_.strikes(fault::replay_error, o.choices)) {
    return fail(errc::unavailable, "simulated trouble");
  }
  d::replay_chunk chunk;
  const auto first = hole() ? from + 1 : from;
  for (auto n = std::max(first, erased_to_ + 1); n <= std::min<sequence_nr>(to, highest()); ++n) {
    record_view r;
    r.number = n;
    r.writer = records_[n - 1].writer;
    r.event.type = "happened";
    r.event.data = records_[n - 1].data;
    chunk.add(r);
    if (chunk.bytes() >= s_.planned.chunk_bytes_max) break;
    if (s_.strikes(fault::cut_short, o.choices)) break;
  }
  return chunk;
}

}
