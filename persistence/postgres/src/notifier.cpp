#include "notifier.hpp"

#include <fmt/format.h>

#include <chrono>

#include "connection.hpp"
#include "nexus/workers.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

using namespace std::chrono_literals;

constexpr auto pause = 20ms;       // between two notifications
constexpr auto patience_off = 1s;  // after a failure

}  // namespace

std::string channel_of(const address& where) { return where.tables.named("nexus_events"); }

notifier::~notifier() {
  {
    const std::lock_guard guard{mutex_};
    ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void notifier::appended() {
  if (news_.exchange(true)) return;  // the next notification covers it
  std::call_once(started_, [this] {
    thread_ = std::thread{[this] {
      name_this_thread("nexus.notifier");
      run();
    }};
  });
  const std::lock_guard guard{mutex_};  // so that the thread is not between its check and its wait
  changed_.notify_one();
}

void notifier::run() {
  std::unique_ptr<connection> on;
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || news_.load(); });
    if (ending_ && !news_) return;
    news_ = false;
    lock.unlock();
    bool told = true;
    try {
      tell(on);
    } catch (const trouble&) {
      on.reset();
      told = false;
    }
    lock.lock();
    changed_.wait_for(lock, told ? pause : patience_off, [this] { return ending_; });
  }
}

void notifier::tell(std::unique_ptr<connection>& on) {
  if (on != nullptr && !on->alive()) on.reset();
  if (on == nullptr) on = std::make_unique<connection>(where_);
  on->execute(fmt::format("SELECT pg_notify('{}', current_schema())", channel_of(where_)));
}

}}}  // namespace nexus::v0::postgres
