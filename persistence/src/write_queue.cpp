#include "write_queue.hpp"

#include <string_view>
#include <unordered_set>
#include <utility>

#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 {
namespace {

using detail::write_job;

// A call of a session has one request per id. Entities have one job at a time, so ids are compared
// only with a job that says that it may repeat one.
class ids_of_batch {
 public:
  explicit ids_of_batch(const std::vector<envelope>& batch) : batch_{batch} {}

  bool add(const write_job& next) {
    if (!comparing_ && !next.may_repeat) return true;
    if (!std::exchange(comparing_, true)) {
      for (const auto& job : batch_) seen_.insert(job.as<write_job>().id.str());
    }
    return seen_.insert(next.id.str()).second;
  }

 private:
  const std::vector<envelope>& batch_;
  bool comparing_ = false;
  std::unordered_set<std::string_view> seen_;
};

}  // namespace

write_queue::~write_queue() {
  while (auto* w = queue_.front()) {
    queue_.pop();
    (void)envelope::adopt(w);
  }
}

std::optional<error> write_queue::push(const envelope& job, bool& woke) {
  using pushed = detail::handover<write_job>::pushed;
  auto& w = job.as<write_job>();
  const auto events = w.event_count();
  const auto bytes = w.bytes();
  auto withdraw = [&] {
    events_.fetch_sub(events);
    bytes_.fetch_sub(bytes);
  };
  const auto events_before = events_.fetch_add(events);
  const auto bytes_before = bytes_.fetch_add(bytes);
  const bool alone = events_before == 0 && bytes_before == 0;
  if (!alone && (detail::saturated_sum(events_before, events) > options_.write_queue_max ||
                 detail::saturated_sum(bytes_before, bytes) > options_.write_queue_bytes_max)) {
    withdraw();
    return error{errc::overloaded, "the journal writer's queue is full"};
  }
  accepted_.fetch_add(1);
  (void)envelope{job}.detach();  // the queue's share
  const auto how = queue_.push(w);
  woke = how == pushed::woke;
  if (how != pushed::refused) return std::nullopt;
  (void)envelope::adopt(&w);
  withdraw();
  taken_.fetch_add(1);
  answered(1);
  return error{errc::stopped, "the journal is being closed"};
}

bool write_queue::ready() {
  std::lock_guard guard{taking_};
  return queue_.front() != nullptr;
}

void write_queue::take(std::vector<envelope>& batch) {
  std::size_t events = 0;
  std::size_t bytes = 0;
  {
    std::lock_guard guard{taking_};
    ids_of_batch ids{batch};
    while (auto* w = queue_.front()) {
      if (!ids.add(*w)) break;
      if (!batch.empty() && (events + w->event_count() > options_.batch_events_max ||
                             bytes + w->bytes() > options_.batch_bytes_max)) {
        break;
      }
      queue_.pop();
      events += w->event_count();
      bytes += w->bytes();
      batch.push_back(envelope::adopt(w));
    }
  }
  events_.fetch_sub(events);
  bytes_.fetch_sub(bytes);
  taken_.fetch_add(batch.size());
}

void write_queue::answered(std::size_t jobs) {
  std::lock_guard guard{answered_lock_};
  answered_ += jobs;
  answered_changed_.notify_all();
}

bool write_queue::is_quiet() const noexcept {
  std::lock_guard guard{answered_lock_};
  return answered_ == accepted_.load();
}

bool write_queue::wait_for(std::uint64_t jobs, std::chrono::steady_clock::time_point deadline) {
  std::unique_lock guard{answered_lock_};
  return answered_changed_.wait_until(guard, deadline, [&] { return answered_ >= jobs; });
}

}}  // namespace nexus::v0
