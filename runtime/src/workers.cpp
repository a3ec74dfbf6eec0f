#include "nexus/workers.hpp"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace nexus::inline v0 {

struct workers::impl {
  std::mutex lock;
  std::condition_variable changed;
  std::deque<job> queue;
  std::size_t queue_max;
  bool stopping = false;
  std::vector<std::thread> threads;
  std::shared_ptr<executor> stepped;

  // The job whose turn it is now, of those that are still here then.
  static void step(const std::weak_ptr<impl>& of) {
    auto self = of.lock();
    if (self == nullptr || self->queue.empty()) return;
    auto next = std::move(self->queue.front());
    self->queue.pop_front();
    next(0);
  }

  void run(unsigned thread) {
    std::unique_lock guard{lock};
    while (true) {
      changed.wait(guard, [&] { return stopping || !queue.empty(); });
      if (stopping) return;
      auto next = std::move(queue.front());
      queue.pop_front();
      guard.unlock();
      next(thread);
      next = nullptr;  // what the job holds goes before the lock is taken again
      guard.lock();
    }
  }
};

workers::workers(const std::string& name, unsigned threads, std::size_t queue_max)
    : impl_{std::make_shared<impl>()} {
  impl_->queue_max = queue_max;
  for (unsigned i = 0; i < threads; ++i) {
    impl_->threads.emplace_back([this, name, i] {
      name_this_thread(name + std::to_string(i));
      impl_->run(i);
    });
  }
}

workers::workers(std::shared_ptr<executor> on, std::size_t queue_max)
    : impl_{std::make_shared<impl>()} {
  impl_->queue_max = queue_max;
  impl_->stepped = std::move(on);
}

workers::~workers() {
  {
    std::lock_guard guard{impl_->lock};
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  for (auto& thread : impl_->threads) thread.join();
}

bool workers::submit(job j) {
  {
    std::lock_guard guard{impl_->lock};
    if (impl_->stopping || impl_->queue.size() >= impl_->queue_max) return false;
    impl_->queue.push_back(std::move(j));
  }
  if (impl_->stepped) {
    impl_->stepped->post(executor::work::read, [of = std::weak_ptr{impl_}] { impl::step(of); });
  } else {
    impl_->changed.notify_one();
  }
  return true;
}

std::size_t workers::queued() const {
  std::lock_guard guard{impl_->lock};
  return impl_->queue.size();
}

void name_this_thread(const std::string& name) {
  constexpr std::size_t linux_name_max = 15;
  pthread_setname_np(pthread_self(), name.substr(0, linux_name_max).c_str());
}

}  // namespace nexus::inline v0
