// The systems that use each CAF system.
//
// Threads: any.
#pragma once

namespace caf {
class actor_system;
}

namespace nexus { inline namespace v0 {

class system;

/// `first_on` finds `sys` as long as this lives.
class living_system {
 public:
  living_system(caf::actor_system& on, system& sys);
  ~living_system();
  living_system(const living_system&) = delete;
  living_system& operator=(const living_system&) = delete;

  /// The system that was made first; null if there is none.
  [[nodiscard]] static system* first_on(const caf::actor_system& on);

 private:
  system& sys_;
};

}}  // namespace nexus::v0
