// Counts the requests in progress, and tells whether more are admitted.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace nexus { inline namespace v0 { namespace http {

class gate {
 public:
  /// False after it was closed.
  [[nodiscard]] bool enter() {
    std::lock_guard guard{lock_};
    if (!open_) return false;
    ++admitted_;
    ++inside_;
    return true;
  }
  void leave() {
    std::lock_guard guard{lock_};
    --inside_;
  }
  void close() {
    std::lock_guard guard{lock_};
    open_ = false;
  }

  [[nodiscard]] bool is_open() const {
    std::lock_guard guard{lock_};
    return open_;
  }
  [[nodiscard]] std::size_t inside() const {
    std::lock_guard guard{lock_};
    return inside_;
  }
  [[nodiscard]] std::uint64_t admitted() const {
    std::lock_guard guard{lock_};
    return admitted_;
  }

 private:
  mutable std::mutex lock_;
  bool open_ = true;
  std::size_t inside_ = 0;
  std::uint64_t admitted_ = 0;
};

}}}
