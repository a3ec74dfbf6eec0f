#include "nexus/system.hpp"

#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "caf_bridge.hpp"
#include "living_systems.hpp"
#include "nexus/detail/collecting.hpp"
#include "shutdown_sequence.hpp"

namespace nexus::inline v0 {

struct system::impl {
  impl(system& self, std::unique_ptr<caf_bridge> b, const system_options& options)
      : time{options.time ? options.time : std::make_shared<wall_clock>()},
        ids{*time},
        writer{ids.next()},
        bridge{std::move(b)},
        living{bridge->system(), self} {}

  // Looks until `holds`, on a plain thread; false when `until` came first. The only place that waits
  // for actors.
  bool wait_until(std::chrono::steady_clock::time_point until,
                  const std::function<bool()>& holds) const {
    while (!holds()) {
      if (bridge->steady() >= until) return false;
      std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
    return true;
  }

  std::shared_ptr<const clock> time;
  ulid_generator ids;
  ulid writer;
  dead_letters letters;
  mutable std::shared_mutex names_lock;
  std::map<std::string, std::weak_ptr<void>, std::less<>> names;
  shutdown_sequence shutdown;
  std::unique_ptr<caf_bridge> bridge;  // its actors use what is above until they have stopped
  living_system living;                // last: nobody finds what is going
};

system::system(system_options options)
    : impl_{std::make_unique<impl>(*this, std::make_unique<caf_bridge>(options.threads), options)} {
}

system::system(caf::actor_system& adopted, system_options options)
    : impl_{std::make_unique<impl>(*this, std::make_unique<caf_bridge>(adopted), options)} {}

system::~system() = default;

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

shutdown_report system::shutdown(std::chrono::nanoseconds within) {
  const auto begin = steady();
  const auto until = detail::later(begin, within);
  auto report = impl_->shutdown.run(
      [&](const std::function<bool()>& holds) { return impl_->wait_until(until, holds); });
  report.took = steady() - begin;
  return report;
}

dead_letters& system::letters() noexcept { return impl_->letters; }

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
