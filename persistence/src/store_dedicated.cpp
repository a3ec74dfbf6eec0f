#include "store_dedicated.hpp"

#include <algorithm>
#include <utility>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/pool.hpp"

namespace nexus { inline namespace v0 {

namespace detail {

/// All sessions that are held now.
struct held_sessions {
  std::mutex lock;
  std::set<held_session*> all;
};

class held_session : public std::enable_shared_from_this<held_session> {
 public:
  held_session(std::string holder, std::shared_ptr<held_sessions> among)
      : name{std::move(holder)}, among_{std::move(among)} {}
  ~held_session() {
    const std::lock_guard guard{among_->lock};
    among_->all.erase(this);
  }
  held_session(const held_session&) = delete;
  held_session& operator=(const held_session&) = delete;

  void got(lease<journal_session> one) {
    const std::lock_guard guard{among_->lock};
    is = std::move(one);
    among_->all.insert(this);
  }
  void holder_ended() {
    const std::lock_guard guard{among_->lock};
    if (is) is.due_back();
  }

  const std::string name;
  std::mutex turn;  // of the threads, which use the session
  lease<journal_session> is;

 private:
  const std::shared_ptr<held_sessions> among_;
};

session_holder::~session_holder() {
  if (is_ != nullptr) is_->holder_ended();
}

}  // namespace detail

using detail::held_session;
using detail::session_holder;

namespace {

// More would wait for the processor, and not for the database.
constexpr std::size_t threads_max = 64;

}  // namespace

store_dedicated::store_dedicated(const pool_options& pool, const store_options& options,
                                 std::string journal, journal_guard& guard, store_metrics& counts)
    : journal_{std::move(journal)},
      guard_{guard},
      counts_{counts},
      is_stepped_{options.runs_on != nullptr},
      held_{std::make_shared<detail::held_sessions>()} {
  const auto threads = static_cast<unsigned>(std::min(pool.max, threads_max));
  workers_ = options.runs_on
                 ? std::make_unique<workers>(options.runs_on, options.read_queue_max)
                 : std::make_unique<workers>("nexus.held", threads, options.read_queue_max);
}

result<std::shared_ptr<store_dedicated>> store_dedicated::make(pool_options pool,
                                                               const store_options& options,
                                                               std::shared_ptr<journal> of,
                                                               journal_guard& guard,
                                                               store_metrics& counts) {
  if (auto fine = check(pool); !fine) return fail(std::move(fine.error()));
  const auto journal = of->name();
  std::shared_ptr<store_dedicated> made{new store_dedicated{pool, options, journal, guard, counts}};
  auto sessions = detail::pool_core::make(
      std::move(pool), [j = std::move(of)]() -> result<std::unique_ptr<poolable>> {
        auto opened = j->open_session();
        if (!opened) return fail(std::move(opened.error()));
        return std::unique_ptr<poolable>{*std::move(opened)};
      });
  if (!sessions) return fail(std::move(sessions.error()));
  made->pool_ = *std::move(sessions);
  return made;
}

error store_dedicated::why_closed() const {
  return {errc::stopped, journal_ + ": the journal was closed"};
}

void store_dedicated::ask(std::string holder, std::stop_token cancel,
                          std::function<void(result<session_holder>)> to) {
  const auto made = std::make_shared<held_session>(std::move(holder), held_);
  detail::borrow_request wanted;
  wanted.timeout = std::chrono::milliseconds::max();
  wanted.cancel = std::move(cancel);
  wanted.origin = {made->name, caller::here()};
  wanted.for_life = true;
  pool_->request(wanted, [made, to = std::move(to)](result<detail::held_slot> got) {
    if (!got) return to(fail(std::move(got.error())));
    made->got(detail::lease_access::make<journal_session>(*std::move(got)));
    to(session_holder{made});
  });
}

bool store_dedicated::submit(held_ref on, std::function<void(journal_session&)> f) {
  return workers_->submit([this, on = std::move(on), f = std::move(f)](unsigned) {
    const detail::no_waiting here{"a thread of dedicated sessions"};
    const std::lock_guard turn{on->turn};
    if (abandoned_ || !on->is) {
      refusing_session refusing{why_closed()};
      f(refusing);
    } else {
      f(*on->is);
    }
  });
}

result<void> store_dedicated::read(const session_holder& on,
                                   std::function<result<void>(journal_session&)> f) {
  if (closed_) return fail(why_closed());
  if (auto why = guard_.refusal()) return fail(*std::move(why));
  const bool queued = submit(on.session(), [this, f = std::move(f)](journal_session& session) {
    (void)guard_.read(session, f);
  });
  if (queued) return {};
  if (closed_) return fail(why_closed());
  return fail(errc::overloaded, "the queue of dedicated sessions is full");
}

void store_dedicated::write(const session_holder& on, const envelope& job) {
  if (closed_) return refuse_job(job, why_closed());
  job.as<detail::write_job>().queued = std::chrono::steady_clock::now();
  const auto number = begin_job();
  bool queued = false;
  (void)detail::guarded(
      [&] {
        queued = submit(on.session(), [this, job, number](journal_session& session) {
          work(session, job);
          end_job(number);
        });
      },
      [](const std::string&) {});
  if (queued) return;
  end_job(number);
  if (closed_) return refuse_job(job, why_closed());
  refuse_job(job, {errc::overloaded, "the queue of dedicated sessions is full"});
}

std::uint64_t store_dedicated::begin_job() {
  const std::lock_guard guard{writing_lock_};
  writing_.insert(++last_job_);
  return last_job_;
}

void store_dedicated::end_job(std::uint64_t number) {
  const std::lock_guard guard{writing_lock_};
  writing_.erase(number);
  answered_.notify_all();
}

bool store_dedicated::has_written() {
  const std::lock_guard guard{writing_lock_};
  return writing_.empty();
}

bool store_dedicated::flush(std::chrono::steady_clock::time_point deadline) {
  if (is_stepped_) workers_->run_here();
  std::unique_lock guard{writing_lock_};
  const auto last = last_job_;
  return answered_.wait_until(guard, deadline,
                              [&] { return writing_.empty() || *writing_.begin() > last; });
}

// Whatever happens, the job is answered: its entity waits for it.
void store_dedicated::work(journal_session& session, const envelope& job) {
  (void)detail::guarded(
      [&] {
        (void)write_work{session, guard_, counts_, written_}.run({job});
      },
      [&](const std::string& what) {
        auto& of = job.as<detail::write_job>();
        const error why{errc::unavailable, journal_ + ": writing threw: " + what};
        of.outcome = unknown{why};
        of.settled = fail(why);
        if (of.save) of.save->saved = fail(why);
      });
  send_back(job);
}

void store_dedicated::finish() {
  closed_ = true;
  workers_->finish();
}

bool store_dedicated::wait_until_ended(std::chrono::steady_clock::time_point deadline) {
  return workers_->wait_until_ended(deadline);
}

bool store_dedicated::end() {
  if (!workers_->ended()) return false;
  pool_->stop_lending();
  std::vector<held_ref> holders;  // they have the names that the leases show
  std::vector<lease<journal_session>> back;
  {
    const std::lock_guard guard{held_->lock};
    for (auto* one : held_->all) {
      auto still = one->weak_from_this().lock();
      if (still == nullptr) continue;  // it returns its session itself
      back.push_back(std::move(one->is));
      holders.push_back(std::move(still));
    }
  }
  back.clear();
  if (is_stepped_) (void)pool_->close({});  // nothing else does its work
  return pool_->statistics().total == 0;
}

void store_dedicated::abandon() {
  abandoned_ = true;
  (void)pool_->close({});
  workers_->run_here();
}

}}  // namespace nexus::v0
