// What the live entities of one type share.
//
// Threads: any; the id → slot map is sharded, so that no lock is shared by all entities.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "entity_fsm.hpp"
#include "entity_slot.hpp"
#include "recoveries.hpp"

namespace nexus::inline v0::detail {

class directory_core final : public entity_directory,
                             public std::enable_shared_from_this<directory_core> {
 public:
  directory_core(const behavior_info& of, system& sys, const store& in,
                 const entity_options& options);

  /// Takes the type's name in the system, under which others find it.
  void claim();

  result<void> status() const override;
  slot_ref find(std::string_view id) const override;
  const void* behavior() const override { return of.tag; }
  result<void> send(std::string_view id, const slot_ref& known, entity_call& c, envelope e,
                    admission by) override;
  std::size_t live() const override { return live_.load(); }
  ulid next_id() override { return sys.next_id(); }
  void close() override;

  /// An entity closed its gate: the next command starts a new one.
  void remove(const slot& s);

  /// The last thing an entity does.
  void gone();

  [[nodiscard]] bool closing() const noexcept { return closing_.load(std::memory_order_acquire); }

  /// Tells whoever listens, or the log.
  void tell(const entity_signal& what) const;

  const behavior_info of;
  system& sys;
  const store in;
  const entity_options options;
  const fsm_options machine;
  recoveries turns;  ///< of this type

 private:
  struct string_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept {
      return std::hash<std::string_view>{}(s);
    }
  };
  struct shard {
    mutable std::mutex lock;
    std::unordered_map<std::string, slot_ref, string_hash, std::equal_to<>> slots;
  };
  static constexpr std::size_t shards = 64;

  [[nodiscard]] shard& shard_of(std::string_view id) const noexcept {
    return shards_[string_hash{}(id) % shards];
  }
  [[nodiscard]] result<slot_ref> find_or_start(std::string_view id, const slot_ref& closed);

  result<void> status_;  // settled before anybody can ask
  bool claimed_ = false;
  mutable std::array<shard, shards> shards_;
  std::atomic<std::size_t> live_{0};
  std::atomic<bool> closing_{false};
  std::mutex closed_lock_;
  std::condition_variable closed_;
};

/// The entities of `type` on this system; null if there are none.
[[nodiscard]] std::shared_ptr<entity_directory> find_directory(system& sys, std::string_view type);

}
