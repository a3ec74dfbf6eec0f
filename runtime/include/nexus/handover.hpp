// A queue from many to one without a lock: nobody who hands something over waits for another who does.
//
// One word points to what came last, and each to what came before it; the consumer takes all of it at
// once and turns it around (R. K. Treiber's stack, 1986). The same word says that the consumer sleeps,
// so that only who finds it asleep has to wake it.
//
// Threads: `push` and `finish` from any; the rest is the consumer's, one thread at a time. Bound:
// whoever pushes counts. Lifetime: what waits belongs to the queue's user, until it is popped.
#pragma once

#include <atomic>
#include <cstdint>

namespace nexus::inline v0 {

/// What can wait in a handover, in one at a time.
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
    refused  ///< it is closed
  };

  handover() = default;
  handover(const handover&) = delete;
  handover& operator=(const handover&) = delete;

  pushed push(T& one) noexcept { return link(one); }

  /// Ends what waits in `wait`.
  void wake() noexcept { newest_.notify_all(); }

  /// The last push: once all before it are popped, it is closed.
  void finish() noexcept {
    if (link(last_) == pushed::woke) wake();
  }

  /// The oldest one, null if there is none: then it sleeps, or is closed.
  [[nodiscard]] T* front() noexcept {
    while (oldest_ == nullptr) {
      if (!fetch()) return nullptr;
    }
    return static_cast<T*>(oldest_);
  }

  /// Takes out what `front` gave.
  void pop() noexcept { oldest_ = oldest_->next_; }

  [[nodiscard]] bool closed() const noexcept { return newest_.load() == &closed_; }

  /// Blocks while it sleeps.
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

  // Everything that was pushed, oldest first; false if that is nothing.
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

  // Of the consumer alone, but for what is pushed:
  handed_over last_;
  handed_over* oldest_ = nullptr;
  bool finished_ = false;
};

}  // namespace nexus::inline v0
