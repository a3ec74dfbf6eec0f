// A lock-free queue from many producers to one consumer. Producers never wait for each other.
//
// One word points to the newest item, and each item to the one before it; the consumer takes all
// items at once and reverses them (R. K. Treiber's stack, 1986). The same word says that the
// consumer sleeps, so only the producer that finds it asleep has to wake it.
//
// Threads: any may call `push` and `finish`; the rest is for the consumer, one thread at a time.
// Bound: the producers count. Lifetime: a queued item belongs to the user of the queue until it is
// popped.
#pragma once

#include <atomic>
#include <cstdint>

namespace nexus { inline namespace v0 { namespace detail {

/// The base of queued items. An item is in one handover at a time.
class handed_over {
  template <class T>
  friend class handover;
  handed_over* next_ = nullptr;
};

/// `T` derives from handed_over.
template <class T>
class handover {
 public:
  enum class pushed : std::uint8_t {
    queued,
    woke,    ///< the consumer sleeps: `wake` it
    refused  ///< the queue is closed
  };

  handover() = default;
  handover(const handover&) = delete;
  handover& operator=(const handover&) = delete;

  pushed push(T& one) noexcept { return link(one); }

  /// Wakes the consumer from `wait`.
  void wake() noexcept { newest_.notify_all(); }

  /// The last push: when all items before it are popped, the queue is closed. Only the first call
  /// counts.
  void finish() noexcept {
    if (finishing_.exchange(true)) return;
    if (link(last_) == pushed::woke) wake();
  }

  /// The oldest item. If there is none, null, and the queue is now asleep or closed.
  [[nodiscard]] T* front() noexcept {
    while (oldest_ == nullptr) {
      if (!fetch()) return nullptr;
    }
    return static_cast<T*>(oldest_);
  }

  /// Removes the item that `front` returned.
  void pop() noexcept { oldest_ = oldest_->next_; }

  [[nodiscard]] bool closed() const noexcept { return newest_.load() == &closed_; }

  /// Blocks while the queue is asleep.
  void wait() const noexcept { newest_.wait(&asleep_); }

 private:
  pushed link(handed_over& one) noexcept {
    auto* before = newest_.load(std::memory_order_relaxed);
    do {
      if (before == &closed_) return pushed::refused;
      one.next_ = before == &asleep_ ? nullptr : before;
    } while (!newest_.compare_exchange_weak(before, &one, std::memory_order_acq_rel,
                                            std::memory_order_relaxed));
    return before == &asleep_ ? pushed::woke : pushed::queued;
  }

  // Takes all pushed items, oldest first; false if there are none.
  bool fetch() noexcept {
    auto* one = newest_.load();
    if (one == nullptr && newest_.compare_exchange_strong(one, finished_ ? &closed_ : &asleep_)) {
      return false;
    }
    if (one == &asleep_ || one == &closed_) return false;
    one = newest_.exchange(nullptr, std::memory_order_acq_rel);
    while (one != nullptr) {
      auto* before = one->next_;
      if (one == &last_) {
        finished_ = true;
      } else {
        one->next_ = oldest_;
        oldest_ = one;
      }
      one = before;
    }
    return true;
  }

  static inline handed_over asleep_;
  static inline handed_over closed_;

  std::atomic<handed_over*> newest_{nullptr};
  std::atomic<bool> finishing_{false};

  // Used by the consumer alone; only `last_` is pushed:
  handed_over last_;
  handed_over* oldest_ = nullptr;
  bool finished_ = false;
};

}}}
