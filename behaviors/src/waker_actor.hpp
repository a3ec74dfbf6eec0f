// The actor of the waker: its messages, and what it knows of types and journals.
//
// Threads: an actor. Everything that touches a database is a job of the store's read threads.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "alarm_queue.hpp"
#include "alarm_reads.hpp"
#include "alarm_sweep.hpp"
#include "directory_core.hpp"
#include "messages.hpp"
#include "waker.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class waker_actor final : public actor {
 public:
  waker_actor(system& sys, std::shared_ptr<const alarm_times> times,
              std::shared_ptr<std::atomic<std::uint64_t>> unknown);

  void started(const mailbox& self) override { self_ = self; }
  verdict receive(envelope m) override;

  enum class kind : std::uint8_t { join, leave, stored, tick, recovered, answer, arrival };

  struct join_message final : message {
    join_message() : message{number(kind::join)} {}
    std::uint64_t key = 0;
    std::weak_ptr<directory_core> type;
    std::shared_ptr<woken_type> shared;
    const void* journal = nullptr;
    std::shared_ptr<own_heartbeat> beat;
  };
  struct leave_message final : message {
    leave_message(std::uint64_t k, bool l) : message{number(kind::leave)}, key{k}, last{l} {}
    const std::uint64_t key;
    const bool last;  // ends the actor
  };
  struct stored_message final : message {
    explicit stored_message(std::uint64_t k) : message{number(kind::stored)}, key{k} {}
    const std::uint64_t key;
  };

 private:
  [[nodiscard]] static constexpr std::uint8_t number(kind k) noexcept {
    return static_cast<std::uint8_t>(k);
  }

  struct tick_message final : message {
    explicit tick_message(std::uint64_t n) : message{number(kind::tick)}, turn{n} {}
    const std::uint64_t turn;
  };
  /// An entity that had to recover first has.
  struct recovered_message final : message {
    recovered_message(std::uint64_t k, persistence_id i)
        : message{number(kind::recovered)}, key{k}, id{std::move(i)} {}
    const std::uint64_t key;
    const persistence_id id;
  };
  /// The answer of an entity.
  struct answer_message final : message {
    answer_message(std::uint64_t k, persistence_id i, bool s)
        : message{number(kind::answer)}, key{k}, id{std::move(i)}, of_sweep{s} {}
    const std::uint64_t key;
    const persistence_id id;
    const bool of_sweep;
    alarm_message::outcome is{};
  };
  /// The result of a job.
  struct arrival : message {
    arrival() : message{number(kind::arrival)} {}
    virtual void arrive(waker_actor& at) = 0;
  };
  template <class T, class Then>
  struct arrival_of final : arrival {
    explicit arrival_of(Then t) : then{std::move(t)} {}
    void arrive(waker_actor& at) override { then(at, std::move(what)); }
    result<T> what = fail(errc::unavailable, "the journal did not run the job");
    Then then;
  };
  /// Sends an arrival once, also if its job is dropped or throws.
  class way_back {
   public:
    way_back(mailbox to, envelope m) : to_{std::move(to)}, message_{std::move(m)} {}
    ~way_back() { send(); }
    way_back(const way_back&) = delete;
    way_back& operator=(const way_back&) = delete;
    void send() {
      if (auto m = std::exchange(message_, {})) to_.send(std::move(m));
    }

   private:
    mailbox to_;
    envelope message_;
  };

  struct journal_state {
    journal_state(const alarm_times& times, const ulid& own) : writers{times, own} {}

    std::shared_ptr<own_heartbeat> beat;
    heartbeats writers;
    std::vector<ulid> old_beats{};  // to be removed
    bool beats = false;             // a job is under way
    steady_time beat_at{};
    steady_time read_beats_at{};
    bool beats_fail = false;
    bool appends_fail = false;
    steady_time hurried_at{};  // after appends that failed
    bool told_beat = false;
    bool told_types = false;
    bool counts_types = false;
    steady_time types_at{};
    std::map<std::string, std::uint64_t> unknown{};  // alarms by type
  };
  struct beats_read {
    std::optional<std::vector<heartbeat>> all{};  // if they were read
    error refused{};                              // without a message: nothing was
  };
  struct type_state {
    std::uint64_t key;
    std::weak_ptr<directory_core> to;
    std::shared_ptr<woken_type> shared;
    const void* journal_key;
    journal_state* in;
    std::string name;
    alarm_queue queue;
    alarm_sweep sweep;
    bool of_state;
    counter* fired;
    counter* failed;
    histogram* late;
    bool reads_fail = false;  // because of the storage
    bool told_reads = false;
    bool told_many = false;
    std::set<std::string> told_corrupt{};  // at most told_corrupt_max

    static constexpr std::size_t told_corrupt_max = 1'000;
    [[nodiscard]] bool down() const noexcept { return reads_fail || in->beats_fail; }
  };
  using directory = std::shared_ptr<directory_core>;

  // waker_actor.cpp
  [[nodiscard]] moment now() const { return {sys_.time().now(), sys_.steady()}; }
  [[nodiscard]] verdict handle(const envelope& m);
  void join(join_message& m);
  void leave(std::uint64_t key);
  [[nodiscard]] type_state* type_of(std::uint64_t key);
  void look_at_all();
  void schedule();
  [[nodiscard]] steady_time next_wake(const moment& now);

  void look_at_journal(const void* key, journal_state& in, const moment& now);
  void beat(const void* key, journal_state& in, const directory& by, const moment& now);
  void took_beats(const void* key, result<beats_read> got);
  void count_types(const void* key, journal_state& in, const directory& by, const moment& now);
  void took_types(const void* key, const result<std::vector<due_type>>& found);
  void tell_unknown(journal_state& in, const std::vector<due_type>& found, const void* key);
  [[nodiscard]] directory any_of(const void* journal_key) const;
  void hurry_all_of(const journal_state& in);
  void hurry(type_state& of, const moment& now);

  // waker_alarms.cpp
  void look(type_state& of, const moment& now);
  void wake_due(type_state& of, directory_core& to, const moment& now);
  void send(type_state& of, directory_core& to, const persistence_id& id,
            std::optional<timestamp> found, const moment& now);
  void read_due(type_state& of, const directory_core& by, const moment& now);
  void took_due(type_state& of, result<alarm_page> page);
  void read_retries(type_state& of, const directory_core& by, const moment& now);
  void took_retries(type_state& of, std::span<const std::string> ids,
                    result<std::vector<stored_alarm>> found);
  void sweep(type_state& of, directory_core& to, const moment& now);
  void sweep_reads(type_state& of, const directory_core& by, alarm_sweep::todo what);
  template <class T>
  void after_sweep(std::uint64_t key, result<T> what, void (*f)(waker_actor&, type_state&, T));
  void reads_work(type_state& of);
  void reads_failed(type_state& of, const error& why);
  void tell_corrupt(type_state& of, const std::vector<error>& rows);
  void note_storage(type_state& of, const alarm_queue::verdict& is, const moment& now);
  void recovered(const recovered_message& m);
  void answered(answer_message& m);
  void ran(type_state& of, const answer_message& m, const moment& now);
  void swept(type_state& of, const answer_message& m, const moment& now);
  void tell_failure(type_state& of, const persistence_id& id, const alarm_message::outcome& is,
                    unsigned failures, bool remembered);

  /// Runs `f(session)` on a read thread, and then `then(actor, result)` here.
  template <class F, class Then>
  void read(const directory_core& by, F f, Then then) {
    using value = typename std::invoke_result_t<F, journal_session&>::value_type;
    auto* answer = new arrival_of<value, Then>{std::move(then)};
    auto back = std::make_shared<way_back>(self_, envelope{answer});
    auto queued =
        by.in.read([answer, back, f = std::move(f)](journal_session& session) -> result<void> {
          answer->what = f(session);
          result<void> done;
          if (!answer->what) done = fail(answer->what.error());
          back->send();
          return done;
        });
    if (queued) return;
    answer->what = fail(std::move(queued.error()));
    back->send();
  }

  system& sys_;
  const std::shared_ptr<const alarm_times> times_;
  const std::shared_ptr<std::atomic<std::uint64_t>> unknown_;
  mailbox self_;
  std::map<const void*, std::unique_ptr<journal_state>> journals_;
  std::list<type_state> types_;
  std::uint64_t turn_ = 0;  // of the newest tick
  steady_time tick_at_ = never;
};

}}}
