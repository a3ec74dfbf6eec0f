#include "living_systems.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

namespace nexus { inline namespace v0 {
namespace {

struct living {
  const caf::actor_system* on;
  system* sys;
};

struct registry {
  std::mutex lock;
  std::vector<living> systems;
};

// Never destroyed: a static system may outlive other statics.
registry& all() {
  static auto& made = *new registry;
  return made;
}

}  // namespace

living_system::living_system(caf::actor_system& on, system& sys) : sys_{sys} {
  std::lock_guard guard{all().lock};
  all().systems.push_back({&on, &sys});
}

living_system::~living_system() {
  std::lock_guard guard{all().lock};
  std::erase_if(all().systems, [&](const auto& one) { return one.sys == &sys_; });
}

system* living_system::first_on(const caf::actor_system& on) {
  std::lock_guard guard{all().lock};
  auto at = std::find_if(all().systems.begin(), all().systems.end(),
                         [&](const auto& one) { return one.on == &on; });
  return at == all().systems.end() ? nullptr : at->sys;
}

}}  // namespace nexus::v0
