#include "nexus/workers.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/handover.hpp"
#include "nexus/detail/logger.hpp"

namespace nexus { inline namespace v0 {

struct workers::impl {
  struct waiting : detail::handed_over {
    explicit waiting(job j) : work{std::move(j)} {}
    job work;
  };

  const std::string name;
  detail::handover<waiting> queue;
  std::mutex
      taking;  // among taking threads; the one that finds the queue empty waits while it holds it
  std::size_t queue_max = 0;
  job_batches by;
  std::size_t takers = 1;
  std::atomic<std::size_t> queued{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> threw{0};
  std::atomic<bool> dropping{false};

  std::mutex ended_lock;
  std::condition_variable ended_changed;
  std::size_t running = 0;
  std::vector<std::thread> threads;
  std::shared_ptr<executor> stepped;

  explicit impl(std::string n) : name{std::move(n)} {}
  ~impl() {
    while (auto* one = queue.front()) {
      queue.pop();
      delete one;
    }
  }

  using taken = std::vector<std::unique_ptr<waiting>>;

  // At least one, unless there is nothing to do; of many, so many that the other threads get theirs.
  void take(bool patiently, taken& to) {
    std::lock_guard guard{taking};
    while (!dropping.load() && !take_next(to)) {
      if (!patiently || queue.closed()) return;
      queue.wait();
    }
    const auto share = queued.load() / takers;
    while (to.size() < by.most && to.size() <= share && take_next(to)) {
    }
  }

  bool take_next(taken& to) {
    auto* one = queue.front();
    if (one == nullptr) return false;
    queue.pop();
    queued.fetch_sub(1);
    to.emplace_back(one);
    return true;
  }

  // False if there was nothing to do.
  bool run_some(unsigned thread, bool patiently, taken& jobs) {
    take(patiently, jobs);
    if (jobs.empty()) return false;
    const auto run_all = [&] {
      for (auto& one : jobs) {
        run_guarded([&] { one->work(thread); });
        one.reset();  // objects of the job are destroyed before it counts as done
      }
    };
    if (by.around) {
      run_guarded([&] { by.around(thread, jobs.size(), run_all); });
    } else {
      run_all();
    }
    done.fetch_add(jobs.size());
    jobs.clear();
    return true;
  }

  template <class F>
  void run_guarded(F f) {
    (void)detail::guarded(f, [&](const std::string& what) {
      threw.fetch_add(1, std::memory_order_relaxed);
      detail::log().error("{}: a job threw: {}", name, what);
    });
  }

  void run(unsigned thread) {
    taken jobs;
    while (run_some(thread, true, jobs)) {
    }
    std::lock_guard guard{ended_lock};
    --running;
    ended_changed.notify_all();
  }
};

workers::workers(const std::string& name, unsigned threads, std::size_t queue_max, job_batches by)
    : impl_{std::make_shared<impl>(name)} {
  impl_->queue_max = queue_max;
  impl_->by = std::move(by);
  impl_->takers = std::max(1u, threads);
  impl_->running = threads;
  for (unsigned i = 0; i < threads; ++i) {
    impl_->threads.emplace_back([this, name, i] {
      name_this_thread(name + std::to_string(i));
      impl_->run(i);
    });
  }
}

workers::workers(std::shared_ptr<executor> on, std::size_t queue_max, job_batches by)
    : impl_{std::make_shared<impl>("stepped workers")} {
  impl_->queue_max = queue_max;
  impl_->by = std::move(by);
  impl_->by.most = 1;
  impl_->stepped = std::move(on);
}

workers::~workers() {
  impl_->dropping = true;
  impl_->queue.finish();
  for (auto& thread : impl_->threads) thread.join();
}

bool workers::submit(job j) {
  auto& self = *impl_;
  if (self.queued.fetch_add(1) >= self.queue_max) {
    self.queued.fetch_sub(1);
    return false;
  }
  auto one = std::make_unique<impl::waiting>(std::move(j));
  self.accepted.fetch_add(1);
  const auto how = self.queue.push(*one);
  if (how == detail::handover<impl::waiting>::pushed::refused) {
    self.queued.fetch_sub(1);
    self.done.fetch_add(1);
    return false;
  }
  (void)one.release();
  if (self.stepped) {
    self.stepped->post(executor::work::read, [of = std::weak_ptr{impl_}] {
      impl::taken jobs;
      if (auto there = of.lock()) there->run_some(0, false, jobs);
    });
  } else if (how == detail::handover<impl::waiting>::pushed::woke) {
    self.queue.wake();
  }
  return true;
}

std::size_t workers::queued() const noexcept { return impl_->queued.load(); }

void workers::finish() { impl_->queue.finish(); }

bool workers::wait_until_ended(std::chrono::steady_clock::time_point deadline) {
  if (impl_->stepped) run_here();
  std::unique_lock guard{impl_->ended_lock};
  return impl_->ended_changed.wait_until(guard, deadline, [&] { return impl_->running == 0; });
}

void workers::run_here() {
  impl::taken jobs;
  while (impl_->run_some(0, false, jobs)) {
  }
}

bool workers::ended() const {
  std::lock_guard guard{impl_->ended_lock};
  return impl_->running == 0 && impl_->done == impl_->accepted;
}

std::uint64_t workers::failed() const noexcept { return impl_->threw.load(); }
std::uint64_t workers::accepted() const noexcept { return impl_->accepted.load(); }

bool workers::is_quiet() const noexcept {
  const auto done = impl_->done.load();
  return done == impl_->accepted.load();
}

void name_this_thread(const std::string& name) {
  constexpr std::size_t linux_name_max = 15;
  pthread_setname_np(pthread_self(), name.substr(0, linux_name_max).c_str());
}

}}  // namespace nexus::v0
