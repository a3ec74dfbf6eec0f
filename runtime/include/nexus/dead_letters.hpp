// Where messages end that reached nobody, or that nobody had an answer to.
//
// Threads: any. Listeners are called on the thread that gave the message up; they must not block,
// nor subscribe or end a subscription.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "nexus/result.hpp"
#include "nexus/ulid.hpp"

namespace nexus::inline v0 {

struct dead_letter {
  std::string target;  ///< whom it was for, e.g. "account|alice"
  ulid command_id{};
  error why{};  ///< e.g. `unhandled`
};

class dead_letters {
 public:
  using listener = std::function<void(const dead_letter&)>;

  dead_letters();
  ~dead_letters();
  dead_letters(const dead_letters&) = delete;
  dead_letters& operator=(const dead_letters&) = delete;

  /// Calls `f` for each until the subscription goes, and no more once that has returned.
  class subscription {
   public:
    subscription() = default;
    explicit subscription(std::function<void()> end) : end_{std::move(end)} {}
    subscription(subscription&& other) noexcept : end_{std::exchange(other.end_, nullptr)} {}
    subscription& operator=(subscription&& other) noexcept {
      std::swap(end_, other.end_);
      return *this;
    }
    ~subscription() {
      if (end_) end_();
    }

   private:
    std::function<void()> end_;
  };
  [[nodiscard]] subscription subscribe(listener f);

  void publish(const dead_letter& letter) noexcept;

  /// How many there were.
  [[nodiscard]] std::uint64_t count() const noexcept;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace nexus::inline v0
