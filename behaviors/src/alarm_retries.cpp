#include "alarm_retries.hpp"

#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

unsigned alarm_retries::failed(const std::string& id, steady_time now, std::uint64_t random,
                               bool of_storage) {
  auto at = ids_.try_emplace(id).first;
  auto& one = at->second;
  one.of_storage = of_storage;
  one.times = saturated_sum(one.times, 1);
  wait(at, later(now, growing_pause_of(times_.retry_min, times_.retry_max, one.times, random)));
  return one.times;
}

void alarm_retries::over(const std::string& id) {
  auto at = ids_.find(id);
  if (at == ids_.end()) return;
  stop_waiting(at->second);
  ids_.erase(at);
}

std::vector<std::string> alarm_retries::take(steady_time now, std::size_t max) {
  std::vector<std::string> taken;
  while (taken.size() < max && earliest() <= now) {
    taken.push_back(*order_.begin()->second);
    stop_waiting(ids_.find(taken.back())->second);
  }
  return taken;
}

void alarm_retries::no_later(const std::string& id, steady_time at) {
  auto found = ids_.find(id);
  if (found != ids_.end() && found->second.waits && at < found->second.at->first) wait(found, at);
}

void alarm_retries::put_back(const std::string& id, steady_time at) {
  if (auto found = ids_.find(id); found != ids_.end()) wait(found, at);
}

void alarm_retries::wait(table::iterator which, steady_time until) {
  stop_waiting(which->second);
  which->second.at = order_.emplace(until, &which->first);
  which->second.waits = true;
}

void alarm_retries::stop_waiting(retry& one) {
  if (std::exchange(one.waits, false)) order_.erase(one.at);
}

}}}
