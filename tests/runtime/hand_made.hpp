// Calls that a test answers itself.
#pragma once

#include <atomic>
#include <nexus/answers.hpp>
#include <utility>

namespace nexus::test {

inline std::atomic<int> calls_alive{0};

template <class R>
class hand_made final : public call, public detail::answer_slot<R> {
 public:
  hand_made() : call{99} { calls_alive.fetch_add(1); }
  ~hand_made() override { calls_alive.fetch_sub(1); }

 private:
  void set_error(error why) noexcept override { this->answer.emplace(tl::unexpected(why)); }
};

/// A question with both ends. Its destructor answers it with `stopped`.
template <class R>
class question {
 public:
  explicit question(call_header header = {})
      : call_{new hand_made<R>}, sent_{call_}, asked_{*call_, *call_} {
    call_->header = std::move(header);
  }
  explicit question(std::chrono::nanoseconds within)
      : question{call_header{.deadline = std::chrono::steady_clock::now() + within}} {}

  [[nodiscard]] nexus::asked<R> asked() { return std::move(asked_); }

  void answer(result<R> r) {
    call_->answer.emplace(std::move(r));
    call_->complete();
    sent_ = {};
  }

 private:
  hand_made<R>* call_;
  envelope sent_;
  nexus::asked<R> asked_;
};

}
