// A feed: passes the items of a stream to a CAF actor, no faster than the actor handles them.
//
//   feed_ = std::move(*accounts).to(this, [this](auto r) { … }, {.credit = 16});   // in the actor
//
// The feed reads on a thread of its own, and sends each item as a message of the actor, which runs
// the handler. At most `credit` items are sent and not handled yet: when a handler returns, the
// feed may send one more. The feed ends when the actor ends, when it is stopped or destroyed, and
// after its last item.
//
// Threads: a feed is made in its actor; afterwards any thread may stop it. The destructor waits for
// the reading thread, except on a thread that must not wait: there the thread ends by itself.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>

namespace caf {
class scheduled_actor;
}

namespace nexus { inline namespace v0 {

struct feed_options {
  static constexpr std::size_t credit_max = 10'000;

  /// Items on their way to the actor, 1 to `credit_max`; values outside are clamped.
  std::size_t credit = 64;
};

namespace detail {

class feeding;

/// Where a feed gets its items.
class feed_source {
 public:
  struct item {
    std::function<void()> deliver{};  ///< to be called in the actor; none: no item came
    bool last = false;
  };

  virtual ~feed_source() = default;
  virtual item next() = 0;  ///< may wait
  virtual void stop() noexcept = 0;
};

}

class [[nodiscard]] feed {
 public:
  feed() noexcept = default;
  feed(feed&&) noexcept = default;
  feed& operator=(feed&& other) noexcept;
  ~feed();

  /// Starts one in the actor `self`.
  feed(caf::scheduled_actor* self, std::unique_ptr<detail::feed_source> from, feed_options options);

  /// Ends the feed: no handler starts afterwards, but one may still run. Any thread.
  void stop() noexcept;

 private:
  std::shared_ptr<detail::feeding> of_;
  std::thread thread_;
};

}}  // namespace nexus::v0
