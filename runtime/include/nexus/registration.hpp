// A registration undoes something when it is destroyed.
//
// Threads: a registration belongs to one thread at a time.
#pragma once

#include <functional>
#include <utility>

namespace nexus { inline namespace v0 {

class [[nodiscard]] registration {
 public:
  registration() = default;
  explicit registration(std::function<void()> end) : end_{std::move(end)} {}
  registration(registration&& other) noexcept : end_{std::exchange(other.end_, nullptr)} {}
  registration& operator=(registration&& other) noexcept {
    registration gone{std::move(*this)};
    end_ = std::exchange(other.end_, nullptr);
    return *this;
  }
  ~registration() {
    if (end_) end_();
  }

 private:
  std::function<void()> end_;
};

}}  // namespace nexus::v0
