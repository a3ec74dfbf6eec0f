#include "nexus/system.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "caf/caf_bridge.hpp"
#include "living_systems.hpp"
#include "nexus/detail/collecting.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/stepping.hpp"
#include "shutdown_sequence.hpp"

namespace nexus { inline namespace v0 {

using time_point = std::chrono::steady_clock::time_point;

namespace {

std::unique_ptr<caf_bridge> make_bridge(const system_options& options) {
  if (options.stepped) return std::make_unique<caf_bridge>(caf_bridge::by_hand{});
  return std::make_unique<caf_bridge>(options.threads);
}

std::shared_ptr<const clock> clock_of(const system_options& options, const stepping* by) {
  if (options.time) return options.time;
  if (by != nullptr) return by->time_of_day();
  return std::make_shared<wall_clock>();
}

}  // namespace

struct system::impl : std::enable_shared_from_this<impl> {
  impl(system& self, std::unique_ptr<caf_bridge> b, const system_options& options)
      : inner{*this},
        by_hand{options.stepped ? std::make_unique<class stepping>(*b, options.seed) : nullptr},
        time{clock_of(options, by_hand.get())},
        ids{*time},
        writer{ids.next()},
        counted{options.metrics ? options.metrics : nexus::metrics::make()},
        bridge{std::move(b)},
        lost{sample_letters()},
        living{std::in_place, bridge->system(), self} {}

  [[nodiscard]] std::vector<registration> sample_letters() {
    std::vector<registration> all;
    using reason = dead_letter_reason;
    for (auto r : {reason::unhandled, reason::stopped, reason::overloaded, reason::expired,
                   reason::dropped}) {
      all.push_back(counted->sample(
          "nexus_dead_letters_total", "Messages that reached no receiver or were not handled.",
          {{"reason", std::string{to_string(r)}}},
          [this, r] { return static_cast<double>(letters.count(r)); }, metric_kind::counter));
    }
    return all;
  }

  // Looks until `holds` returns true, on a plain thread, or steps; false if `until` came first. The
  // only place that waits for actors.
  [[nodiscard]] bool wait_until(time_point until, const std::function<bool()>& holds) const {
    if (by_hand) return by_hand->run_until(holds, detail::between(steady(), until));
    while (!holds()) {
      if (steady() >= until) return false;
      std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
    return true;
  }

  // CAF's clock lives in CAF's system.
  [[nodiscard]] time_point steady() const noexcept {
    if (by_hand) return by_hand->now();
    if (has_ended.load(std::memory_order_relaxed)) return std::chrono::steady_clock::now();
    return bridge->steady();
  }

  // True if the end of the scheduler would wait for the calling thread.
  [[nodiscard]] bool is_inside() const noexcept {
    if (by_hand) return by_hand->is_within_a_step();
    return bridge->owns_a_scheduler() && detail::scheduler_here() == &bridge->system();
  }

  void stop_work();
  void wait_for_actors() const;

  class system inner;
  std::atomic<bool> has_ended{false};
  std::unique_ptr<class stepping> by_hand;
  std::shared_ptr<const clock> time;
  ulid_generator ids;
  ulid writer;
  dead_letters letters;
  std::shared_ptr<nexus::metrics> counted;
  mutable std::shared_mutex names_lock;
  std::map<std::string, std::weak_ptr<void>, std::less<>> names;
  shutdown_sequence shutdown;
  std::unique_ptr<caf_bridge> bridge;  // its actors use the members above until they have stopped
  std::vector<registration> lost;
  std::optional<living_system> living;
};

system::system(system_options options)
    : owned_{std::make_shared<impl>(*this, make_bridge(options), options)}, impl_{owned_.get()} {}

system::system(caf::actor_system& adopted, system_options options)
    : owned_{std::make_shared<impl>(*this, std::make_unique<caf_bridge>(adopted),
                                    [&] {
                                      options.stepped = false;
                                      return std::move(options);
                                    }())},
      impl_{owned_.get()} {}

system::system(impl& of) noexcept : impl_{&of} {}

system::~system() {
  if (owned_ != nullptr) end();
}

// -- the end ----------------------------------------------------------------------------------

// Objects made on the system may outlive it, but not its actors.
void system::end() noexcept {
  auto& self = *impl_;
  if (self.is_inside()) {
    std::fputs(
        "nexus::system: destroyed in an actor of its own, whose end it would wait for: destroy it "
        "on a "
        "plain thread\n",
        stderr);
    std::abort();
  }
  self.stop_work();
  self.wait_for_actors();
  self.living.reset();
  if (self.by_hand) self.by_hand->end();
  self.lost.clear();
  self.has_ended = true;
  self.bridge->end();
}

// Participants of a shutdown without actors are told to stop, and not waited for any longer.
void system::impl::stop_work() {
  constexpr std::chrono::seconds patience{10};
  const auto until = steady() + patience;
  const bool may_wait = detail::no_waiting_here() == nullptr;
  const auto left = shutdown.end_work(
      [&](const std::function<bool()>& holds) {
        return may_wait ? wait_until(until, holds) : holds();
      },
      [this] { return steady(); });
  if (left.empty() || !may_wait) return;
  detail::log().warn("the system ends, but {} has not stopped yet{}", left.front(),
                     left.size() == 1 ? "" : fmt::format(", nor have {} others", left.size() - 1));
}

// CAF waits for them silently; this logs.
void system::impl::wait_for_actors() const {
  using namespace std::chrono_literals;
  if (by_hand || !bridge->owns_a_scheduler()) return;
  constexpr auto pause_max = 10ms;
  auto told = steady();
  for (std::chrono::microseconds pause{50}; bridge->running() != 0;
       pause = std::min<std::chrono::microseconds>(2 * pause, pause_max)) {
    std::this_thread::sleep_for(pause);
    if (steady() - told < 10s) continue;
    told = steady();
    detail::log().warn(
        "the system waits for {} actors to end; actors of the program must quit first",
        bridge->running());
  }
}

std::shared_ptr<system> system::shared() const noexcept {
  return {impl_->shared_from_this(), &impl_->inner};
}

bool system::has_ended() const noexcept { return impl_->has_ended.load(); }

ulid system::writer_id() const noexcept { return impl_->writer; }
ulid system::next_id() { return impl_->ids.next(); }
const clock& system::time() const noexcept { return *impl_->time; }
std::chrono::steady_clock::time_point system::steady() const noexcept { return impl_->steady(); }
mailbox system::spawn(std::unique_ptr<actor> a) { return impl_->bridge->spawn(std::move(a)); }
caf::actor_system& system::caf() noexcept { return impl_->bridge->system(); }

system* system::of(const caf::actor_system& on) { return living_system::first_on(on); }

void system::join(std::weak_ptr<shutdown_participant> participant) {
  impl_->shutdown.join(std::move(participant));
}

shutdown_report system::shutdown(time_span within) {
  if (auto why = detail::refuse_to_wait("system::shutdown", "call it on a plain thread")) {
    shutdown_report nothing;
    nothing.refused = std::move(why);
    return nothing;
  }
  const auto begin = steady();
  const auto until = detail::later(begin, within);
  auto report = impl_->shutdown.run(
      [&](const std::function<bool()>& holds) { return impl_->wait_until(until, holds); },
      [this] { return steady(); });
  report.took = steady() - begin;
  return report;
}

bool system::drain(const std::shared_ptr<shutdown_participant>& participant,
                   std::chrono::nanoseconds within) {
  draining work{[this] { return steady(); }};
  return impl_->wait_until(detail::later(steady(), within), [&] {
    const auto is = work.look({participant}, [&] { return impl_->shutdown.storage_is_quiet(); });
    return is != draining::verdict::goes_on;
  });
}

class stepping* system::stepping() noexcept { return has_ended() ? nullptr : impl_->by_hand.get(); }

std::uint64_t system::random() {
  if (impl_->by_hand) return impl_->by_hand->random();
  thread_local std::mt19937_64 numbers{std::random_device{}()};
  return numbers();
}

dead_letters& system::letters() noexcept { return impl_->letters; }
nexus::metrics& system::metrics() noexcept { return *impl_->counted; }

result<void> system::claim(std::string_view name, std::weak_ptr<void> what) {
  std::lock_guard guard{impl_->names_lock};
  if (!impl_->names.emplace(name, std::move(what)).second) {
    return fail(errc::already_exists,
                "the name \"" + std::string{name} + "\" is already taken in this system");
  }
  return {};
}

std::shared_ptr<void> system::find(std::string_view name) const {
  std::shared_lock guard{impl_->names_lock};
  auto at = impl_->names.find(name);
  return at == impl_->names.end() ? nullptr : at->second.lock();
}

void system::release(std::string_view name) {
  std::lock_guard guard{impl_->names_lock};
  if (auto at = impl_->names.find(name); at != impl_->names.end()) impl_->names.erase(at);
}

}}  // namespace nexus::v0
