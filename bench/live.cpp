// sqlite.live, postgres.live: the time from a command's acknowledgement to the event at a live
// reader, beside plain code: one connection commits and rings, another wakes and selects what is
// new.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nexus/events.hpp>
#include <stdexcept>
#include <thread>

#include "cluster.hpp"
#include "load.hpp"
#include "raw_postgres.hpp"

namespace bench {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using moments = std::vector<clock::time_point>;

constexpr const char* id = "live";
constexpr auto patience = std::chrono::seconds{60};

// The moments of each event, in turn.
struct traced {
  moments asked, acknowledged, seen;

  explicit traced(std::uint64_t events) : asked(events), acknowledged(events), seen(events) {}

  // In microseconds. An event that the reader had first counts as 0.
  [[nodiscard]] static std::vector<double> between(const moments& from, const moments& to) {
    std::vector<double> all;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::chrono::duration<double, std::micro> one = to[i] - from[i];
      all.push_back(std::max(0.0, one.count()));
    }
    std::sort(all.begin(), all.end());
    return all;
  }
};

double part(const std::vector<double>& sorted, double of) {
  return sorted[static_cast<std::size_t>(of * static_cast<double>(sorted.size() - 1))];
}

// Says when the reader has seen the next event; the writer waits for it, so that each event is
// measured alone.
class turn {
 public:
  void done(std::uint64_t count) {
    const std::lock_guard held{lock_};
    count_ = count;
    changed_.notify_all();
  }
  void await(std::uint64_t count) {
    std::unique_lock held{lock_};
    if (!changed_.wait_for(held, patience, [&] { return count_ >= count; })) {
      throw std::runtime_error{"a live reader misses an event"};
    }
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::uint64_t count_ = 0;
};

// `apart`: the time between two commands.
traced trace_nexus(const std::string& uri, std::uint64_t events, milliseconds apart = {}) {
  nexus::system sys;
  auto store = nexus::open(uri);
  if (!store) throw std::runtime_error{store.error().message};
  nexus::entities<counter> counters{sys, *store};
  auto live = nexus::events<counter>{*store}.live();
  if (!live) throw std::runtime_error{live.error().message};
  traced all{events};
  turn seen;
  const std::jthread reads{[&] {
    for (std::uint64_t i = 0; i < events; ++i) {
      const auto next = live->next(patience);
      if (!next || !*next) return;  // the writer waits in vain, and says so
      all.seen[i] = clock::now();
      seen.done(i + 1);
    }
  }};
  const auto entity = counters.of(id);
  for (std::uint64_t i = 0; i < events; ++i) {
    std::this_thread::sleep_for(apart);
    all.asked[i] = clock::now();
    auto answer = entity.ask(counter::add{1}).get(patience);
    all.acknowledged[i] = clock::now();
    if (!answer) throw std::runtime_error{answer.error().message};
    seen.await(i + 1);
  }
  return all;
}

// `count_past(n)`: the number of events past the first n.
template <class Writer, class CountPast>
traced trace_plainly(Writer& writer, CountPast count_past, std::uint64_t events,
                     milliseconds apart = {}) {
  traced all{events};
  turn committed, seen;
  const std::jthread reads{[&] {
    for (std::uint64_t i = 0; i < events; ++i) {
      committed.await(i + 1);
      if (count_past(i) != 1) return;
      all.seen[i] = clock::now();
      seen.done(i + 1);
    }
  }};
  for (std::uint64_t i = 0; i < events; ++i) {
    std::this_thread::sleep_for(apart);
    all.asked[i] = clock::now();
    writer.insert({id}, 1, {1, 1});
    all.acknowledged[i] = clock::now();
    committed.done(i + 1);
    seen.await(i + 1);
  }
  return all;
}

std::string told(const std::vector<double>& sorted) {
  return fmt::format("p50 {:.0f} us, p99 {:.0f} us, longest {:.0f} us", part(sorted, 0.5),
                     part(sorted, 0.99), sorted.back());
}

class latencies {
 public:
  void add(const traced& nexus, const traced& plain) {
    ours_.push_back(part(traced::between(nexus.asked, nexus.seen), 0.5));
    theirs_.push_back(part(traced::between(plain.asked, plain.seen), 0.5));
    ratios_.push_back(theirs_.back() / ours_.back());
    join(after_answer_, traced::between(nexus.acknowledged, nexus.seen));
    join(after_commit_, traced::between(plain.acknowledged, plain.seen));
  }
  [[nodiscard]] figure summary(const char* name) const {
    figure made{name, "us", median(ours_), median(theirs_), median(ratios_), {}};
    made.notes.push_back("median from the command to the event at the reader, one at a time");
    made.notes.push_back("from the acknowledgement: " + told(after_answer_));
    made.notes.push_back("plain code, from its commit: " + told(after_commit_));
    return made;
  }

 private:
  static void join(std::vector<double>& sorted, const std::vector<double>& more) {
    sorted.insert(sorted.end(), more.begin(), more.end());
    std::sort(sorted.begin(), sorted.end());
  }
  std::vector<double> ours_, theirs_, ratios_, after_answer_, after_commit_;
};

}  // namespace

figure live(const options& o) {
  const auto path = o.dir + "/live.db";
  const auto events = o.count(2'000, 500);
  latencies pairs;
  for (unsigned i = 0; i < o.rounds_or(5); ++i) {
    remove_database(path);
    const auto nexus = trace_nexus("sqlite:" + path, events);
    remove_database(path);
    raw_sqlite writer{path};
    raw_sqlite reader{path};
    auto past = [&](auto n) { return reader.fold_where("position > ?1", std::to_string(n)); };
    pairs.add(nexus, trace_plainly(writer, past, events));
  }
  remove_database(path);
  return pairs.summary("sqlite.live");
}

// A notification is sent at once, and the next one not before 20 ms: events that come faster share
// it.
figure postgres_live(const options& o) {
  nexus::test::cluster pg{durable_cluster()};
  const auto events = o.count(200, 50);
  const auto nexus_run = [&](milliseconds apart) {
    const auto uri = pg.fresh_database();
    auto made = trace_nexus(uri, events, apart);
    pg.drop(uri);
    return made;
  };
  const auto plain_run = [&](milliseconds apart) {
    const auto uri = pg.fresh_database();
    if (auto tables = nexus::open(uri); !tables) throw std::runtime_error{tables.error().message};
    traced made{0};
    {
      raw_postgres writer{uri};
      postgres_reader reader{uri};
      auto past = [&](auto n) {
        return reader.fold_where("persistence_id = 'counter|live' AND sequence_nr > $1::int8",
                                 std::to_string(n));
      };
      made = trace_plainly(writer, past, events, apart);
    }
    pg.drop(uri);
    return made;
  };
  latencies pairs;
  for (unsigned i = 0; i < o.rounds_or(5); ++i) {
    const auto apart = milliseconds{30};
    const auto nexus = nexus_run(apart);
    pairs.add(nexus, plain_run(apart));
  }
  auto made = pairs.summary("postgres.live");
  const auto dense = nexus_run({});
  made.notes.push_back("without a pause between the commands, from the acknowledgement: " +
                       told(traced::between(dense.acknowledged, dense.seen)));
  return made;
}

}  // namespace bench
