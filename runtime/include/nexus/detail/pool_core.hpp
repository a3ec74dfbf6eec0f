// The pool without its session type; nexus/pool.hpp casts.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include "nexus/caller.hpp"
#include "nexus/pool_options.hpp"
#include "nexus/poolable.hpp"
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class pool_core;
struct pool_slot;

/// A lease without its session type. The destructor returns the session.
class held_slot {
 public:
  held_slot() noexcept = default;
  held_slot(std::shared_ptr<pool_core> in, pool_slot& slot) noexcept
      : in_{std::move(in)}, slot_{&slot} {}
  held_slot(held_slot&& other) noexcept
      : in_{std::move(other.in_)}, slot_{std::exchange(other.slot_, nullptr)} {}
  held_slot& operator=(held_slot&& other) noexcept {
    in_.swap(other.in_);
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~held_slot() {
    if (slot_ != nullptr) go_back();
  }

  [[nodiscard]] explicit operator bool() const noexcept { return slot_ != nullptr; }
  [[nodiscard]] poolable& get() const noexcept;
  [[nodiscard]] bool of(const pool_core& one) const noexcept { return in_.get() == &one; }
  void poison() noexcept;
  void due_back() const noexcept;

 private:
  void go_back() noexcept;

  std::shared_ptr<pool_core> in_;
  pool_slot* slot_ = nullptr;
};

/// The borrower, for messages.
struct borrower {
  std::string_view name;
  caller where;
};

struct borrow_request {
  std::optional<time_span> timeout;
  std::stop_token cancel;
  borrower origin;
  bool reserved = false;
  bool for_life = false;
};

class pool_core {
 public:
  using opener = std::function<result<std::unique_ptr<poolable>>()>;
  /// Called once, on any thread, with no lock held.
  using granted = std::function<void(result<held_slot>)>;

  /// The last handle closes the pool when it goes; leases may outlive it.
  [[nodiscard]] static result<std::shared_ptr<pool_core>> make(pool_options options, opener open);

  virtual ~pool_core() = default;
  [[nodiscard]] virtual result<held_slot> borrow(const borrow_request& wanted) = 0;
  virtual void request(const borrow_request& wanted, granted to) = 0;
  [[nodiscard]] virtual pool_statistics statistics() const = 0;
  virtual void stop_lending() = 0;
  virtual bool close(std::chrono::nanoseconds within) = 0;
  virtual void tend() = 0;

 protected:
  friend class held_slot;
  virtual void go_back(pool_slot& slot) noexcept = 0;
  virtual void due_back(pool_slot& slot) noexcept = 0;
};

}}}
