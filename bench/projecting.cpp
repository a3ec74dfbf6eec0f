// sqlite.ask_while_projecting: asks while another thread projects the journal into a table of the
// same file, beside the same asks alone. Both are Nexus: the ratio is what a projection that
// catches up costs the appends.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nexus/codec.hpp>
#include <nexus/transaction.hpp>
#include <stdexcept>

#include "load.hpp"

namespace bench {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t read_max = 4'000;
constexpr std::size_t read_min = 1'000;  // fewer: it starts again from the first event
constexpr auto transaction_max = std::chrono::milliseconds{50};

template <class T>
T expect(nexus::result<T> got) {
  if (!got) throw std::runtime_error{got.error().message};
  return *std::move(got);
}

// Reads events, then adds them to rows in one transaction, back to back.
class projector {
 public:
  void run(nexus::store& store, const std::stop_token& stop) {
    const auto session = expect(store.open_session());
    expect(session->execute("CREATE TABLE totals (id TEXT PRIMARY KEY, sum INTEGER NOT NULL)"));
    begun_ = clock::now();
    while (!stop.stop_requested()) {
      read(*session);
      write(*session);
    }
    took_ = clock::now() - begun_;
  }

  [[nodiscard]] std::string describe() const {
    if (transactions_ == 0) return "the projection never got the lock";
    return fmt::format(
        "the projection: {:.0f} events/s, {} transactions that held the lock for {:.0f} % of the "
        "time, {:.1f} ms each, and waited {:.0f} ms for it at most",
        static_cast<double>(events_) / took_.count(), transactions_,
        100 * held_.count() / took_.count(),
        1e3 * held_.count() / static_cast<double>(transactions_), 1e3 * waited_max_.count());
  }

 private:
  void read(nexus::journal_session& session) {
    batch_.clear();
    auto last = at_;
    const auto done = session.read_all(
        at_, read_max, [&](const nexus::persistence_id& of, const nexus::record_view& r) {
          counter::added event;
          if (!nexus::decode(r.event.data, event)) throw std::runtime_error{"unreadable event"};
          batch_.emplace_back(of.str(), event.n);
          last = r.at;
          return true;
        });
    if (!done) throw std::runtime_error{done.error().message};
    at_ = batch_.size() < read_min ? nexus::position{} : last;
  }

  void write(nexus::session& session) {
    const auto asked = clock::now();
    clock::time_point got;
    const auto done = nexus::transactional(session, [&](nexus::session& s) -> nexus::result<void> {
      got = clock::now();
      for (const auto& [id, n] : batch_) {
        auto added = s.execute(
            "INSERT INTO totals VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET sum = sum + $2", id,
            n);
        if (!added) return nexus::fail(added.error());
        ++events_;
        if (clock::now() - got > transaction_max) break;
      }
      return {};
    });
    if (!done) throw std::runtime_error{done.error().message};
    ++transactions_;
    held_ += clock::now() - got;
    waited_max_ = std::max<seconds>(waited_max_, got - asked);
  }

  nexus::position at_;
  std::vector<std::pair<std::string, std::int64_t>> batch_;
  std::uint64_t events_ = 0, transactions_ = 0;
  clock::time_point begun_;
  seconds took_{}, held_{}, waited_max_{};
};

}  // namespace

figure ask_while_projecting(const options& o) {
  const auto path = o.dir + "/projecting.db";
  std::vector<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.push_back(fmt::format("{:04}", i));
  const auto count = o.count(300'000, 100'000);

  rounds pairs;
  ask_run last;
  std::string projection;
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    projector one;
    last = ask_sqlite(path, ids, count, o.window,
                      [&](nexus::store& store, std::stop_token stop) { one.run(store, stop); });
    projection = one.describe();
    pairs.add(last, ask_sqlite(path, ids, count, o.window));
  }
  auto made = pairs.summary("sqlite.ask_while_projecting", "asks/s");
  made.notes.push_back("the baseline is Nexus without the projection; " + projection);
  made.notes.push_back("by thread: " + describe_threads(last));
  remove_database(path);
  return made;
}

}  // namespace bench
