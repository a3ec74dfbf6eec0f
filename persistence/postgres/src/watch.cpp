#include "watch.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "connection.hpp"
#include "errors.hpp"
#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

using steady = std::chrono::steady_clock;

class watch final : public journal_watch {
 public:
  explicit watch(std::shared_ptr<core> of)
      : core_{std::move(of)}, bell_{eventfd(0, EFD_NONBLOCK)} {}
  ~watch() override { close(bell_); }

  result<void> wait(std::chrono::nanoseconds within) override {
    const auto deadline = detail::later(steady::now(), within);
    return attempt(core_->where.name, "wait for events", [&]() -> result<void> {
      try {
        listen();
        while (!heard() && !woken()) {
          if (!wait_until(deadline)) return {};
        }
        return {};
      } catch (const trouble&) {
        connection_.reset();
        throw;
      }
    });
  }

  void wake() noexcept override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(bell_, &one, sizeof one);
  }

  void listen() {
    if (connection_ != nullptr && connection_->alive()) return;
    connection_ = std::make_unique<connection>(core_->where);
    schema_ = connection_->execute("SELECT current_schema()").bytes(0, 0);
    connection_->execute(fmt::format("LISTEN {}", channel_of(core_->where)));
  }

 private:
  // Reads all notifications that have arrived; any number counts as one.
  bool heard() {
    if (PQconsumeInput(connection_->handle()) == 0) {
      throw trouble{"", one_line(PQerrorMessage(connection_->handle())), true};
    }
    bool ours = false;
    while (PGnotify* news = PQnotifies(connection_->handle())) {
      ours = ours || schema_ == news->extra;
      PQfreemem(news);
    }
    return ours;
  }

  bool woken() {
    std::uint64_t count = 0;
    return read(bell_, &count, sizeof count) > 0;
  }

  bool wait_until(steady::time_point deadline) {
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(detail::between(steady::now(), deadline));
    if (left <= milliseconds{0}) return false;
    std::array<pollfd, 2> both{{{PQsocket(connection_->handle()), POLLIN, 0}, {bell_, POLLIN, 0}}};
    constexpr milliseconds longest{60'000};
    poll(both.data(), both.size(), static_cast<int>(std::min(left, longest).count()));
    return true;
  }

  const std::shared_ptr<core> core_;
  const int bell_;
  std::unique_ptr<connection> connection_;
  std::string schema_;
};

}  // namespace

result<std::unique_ptr<journal_watch>> make_watch(std::shared_ptr<core> of) {
  auto made = std::make_unique<watch>(std::move(of));
  // Listens at once, so that no event is missed before the first wait. A failure here is reported
  // by wait.
  try {
    made->listen();
  } catch (const trouble&) {
  }
  return made;
}

}}}  // namespace nexus::v0::postgres
