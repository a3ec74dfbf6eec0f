// Sessions that entities hold for their lives: a pool of its own, and the threads that work on what
// is held.
//
// Threads: any may call every member; the functions passed run on the threads of this object, one
// at a time for each session. Bounds: `max` sessions and at most 64 threads; a holder has as many
// jobs as it asks for.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "nexus/message.hpp"
#include "nexus/pool_options.hpp"
#include "nexus/result.hpp"
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class held_session;

/// The holder's share in its session. The session returns when the holder and its jobs have
/// released it; one that returns long after its holder has ended is logged as a leak, with the
/// holder's name.
class session_holder {
 public:
  session_holder() noexcept = default;
  explicit session_holder(std::shared_ptr<held_session> is) noexcept : is_{std::move(is)} {}
  session_holder(session_holder&&) noexcept = default;
  session_holder& operator=(session_holder&& other) noexcept {
    session_holder gone{std::move(*this)};
    is_ = std::move(other.is_);
    return *this;
  }
  ~session_holder();

  [[nodiscard]] explicit operator bool() const noexcept { return is_ != nullptr; }
  [[nodiscard]] const std::shared_ptr<held_session>& session() const noexcept { return is_; }

 private:
  std::shared_ptr<held_session> is_;
};

class dedicated_sessions {
 public:
  virtual ~dedicated_sessions() = default;

  /// Calls `to` once, on any thread, this one too: with a session, or with `stopped` after
  /// `cancel`. First come first served.
  virtual void ask(std::string holder, std::stop_token cancel,
                   std::function<void(result<session_holder>)> to) = 0;

  /// As store::read.
  [[nodiscard]] virtual result<void> read(const session_holder& on,
                                          std::function<result<void>(journal_session&)> f) = 0;

  /// As `write`, but in a transaction of its own.
  virtual void write(const session_holder& on, const envelope& job) = 0;

  [[nodiscard]] virtual pool_statistics statistics() const = 0;
  /// For a stepped store: does what is due now.
  virtual void tend() = 0;
};

/// `max` sessions of `in` for the holders of the kind `whose`, for this caller alone. The store
/// closes them. Unused ones are destroyed by the next call, or with the store.
[[nodiscard]] result<std::shared_ptr<dedicated_sessions>> dedicated_to(const store& in,
                                                                       std::string_view whose,
                                                                       std::size_t max);

}}}  // namespace nexus::v0::detail
