#include "nexus/system.hpp"

#include <map>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "caf_bridge.hpp"
#include "living_systems.hpp"
#include "nexus/detail/collecting.hpp"
#include "nexus/stepping.hpp"
#include "shutdown_sequence.hpp"

namespace nexus::inline v0 {
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

struct system::impl {
  impl(system& self, std::unique_ptr<caf_bridge> b, const system_options& options)
      : by_hand{options.stepped ? std::make_unique<class stepping>(*b, options.seed) : nullptr},
        time{clock_of(options, by_hand.get())},
        ids{*time},
        writer{ids.next()},
        counted{options.metrics ? options.metrics : nexus::metrics::make()},
        bridge{std::move(b)},
        lost{sample_letters()},
        living{bridge->system(), self} {}

  [[nodiscard]] std::vector<registration> sample_letters() {
    std::vector<registration> all;
    using reason = dead_letter_reason;
    for (auto r : {reason::unhandled, reason::stopped, reason::overloaded, reason::expired,
                   reason::dropped}) {
      all.push_back(counted->sample(
          "nexus_dead_letters_total", "Messages that reached nobody or had no answer.",
          {{"reason", std::string{to_string(r)}}},
          [this, r] { return static_cast<double>(letters.count(r)); }, metric_kind::counter));
    }
    return all;
  }

  // Looks until `holds`, on a plain thread, or steps; false when `until` came first. The only place
  // that waits for actors.
  [[nodiscard]] bool wait_until(std::chrono::steady_clock::time_point until,
                                const std::function<bool()>& holds) const {
    if (by_hand) return by_hand->run_until(holds, detail::between(bridge->steady(), until));
    while (!holds()) {
      if (bridge->steady() >= until) return false;
      std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
    return true;
  }

  std::unique_ptr<class stepping> by_hand;
  std::shared_ptr<const clock> time;
  ulid_generator ids;
  ulid writer;
  dead_letters letters;
  std::shared_ptr<nexus::metrics> counted;
  mutable std::shared_mutex names_lock;
  std::map<std::string, std::weak_ptr<void>, std::less<>> names;
  shutdown_sequence shutdown;
  std::unique_ptr<caf_bridge> bridge;  // its actors use what is above until they have stopped
  std::vector<registration> lost;
  living_system living;  // last: nobody finds what is going
};

system::system(system_options options)
    : impl_{std::make_unique<impl>(*this, make_bridge(options), options)} {}

system::system(caf::actor_system& adopted, system_options options)
    : impl_{std::make_unique<impl>(*this, std::make_unique<caf_bridge>(adopted), [&] {
        options.stepped = false;
        return std::move(options);
      }())} {}

system::~system() {
  if (impl_->by_hand) impl_->by_hand->end();
}

ulid system::writer_id() const noexcept { return impl_->writer; }
ulid system::next_id() { return impl_->ids.next(); }
const clock& system::time() const noexcept { return *impl_->time; }
std::chrono::steady_clock::time_point system::steady() const noexcept {
  return impl_->bridge->steady();
}
mailbox system::spawn(std::unique_ptr<actor> a) { return impl_->bridge->spawn(std::move(a)); }
caf::actor_system& system::caf() noexcept { return impl_->bridge->system(); }

system* system::of(const caf::actor_system& on) { return living_system::first_on(on); }

void system::join(std::weak_ptr<shutdown_participant> who) { impl_->shutdown.join(std::move(who)); }

shutdown_report system::shutdown(time_span within) {
  const auto begin = steady();
  const auto until = detail::later(begin, within);
  auto report = impl_->shutdown.run(
      [&](const std::function<bool()>& holds) { return impl_->wait_until(until, holds); });
  report.took = steady() - begin;
  return report;
}

class stepping* system::stepping() noexcept {
  return impl_->by_hand.get();
}

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

}  // namespace nexus::inline v0
