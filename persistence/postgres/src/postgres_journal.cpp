#include <algorithm>
#include <random>

#include "nexus/postgres.hpp"
#include "postgres_schema.hpp"
#include "session.hpp"
#include "watch.hpp"

namespace nexus::inline v0 {
namespace postgres {
namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = 50ms;
constexpr auto longest_pause = 2'000ms;

// 4713 BC, the first day that PostgreSQL knows. The last one is past what a timestamp of ours holds.
constexpr timestamp first_time{std::chrono::microseconds{-210'866'803'200'000'000}};

}  // namespace

journal_limits limits() noexcept { return {.time_min = first_time}; }

// With a pause that grows while the server cannot be reached, and jitter, so that not everybody comes
// back at the same moment.
result<void> session::connect(std::string_view doing) {
  if (connection_ && !connection_->alive()) drop_connection();
  if (connection_) return {};
  const auto now = std::chrono::steady_clock::now();
  if (now < not_before_) return fail(error{refused_});
  auto made = attempt(core_->where.name, doing, [&]() -> result<void> {
    connection_ = std::make_unique<connection>(core_->where);
    gate_.opened(PQsocket(connection_->handle()));
    return {};
  });
  if (made) {
    pause_ = 0ms;
    return made;
  }
  std::random_device random;
  pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, first_pause, longest_pause);
  not_before_ = now + pause_ / 2 + pause_ * (random() % 1'000) / 2'000;
  refused_ = made.error();
  return made;
}

void session::drop_connection() noexcept {
  if (in_flight_ && lock_ != 0) core_->in_doubt.add(lock_);
  lock_ = 0;
  lock_held_ = false;
  touched_ = false;
  connection_.reset();
  gate_.closed();
}

namespace {

class postgres_journal final : public journal {
 public:
  explicit postgres_journal(address where) : core_{std::make_shared<core>(std::move(where))} {}

  result<std::unique_ptr<journal_session>> open_session() override {
    return attempt(core_->where.name, "connect", [&]() -> result<std::unique_ptr<journal_session>> {
      return std::make_unique<session>(core_, std::make_unique<connection>(core_->where));
    });
  }

  result<std::unique_ptr<journal_watch>> watch() override { return make_watch(core_); }

  journal_limits limits() const override { return postgres::limits(); }
  std::string name() const override { return core_->where.name; }
  unsigned writers() const override { return core_->where.writers; }

 private:
  const std::shared_ptr<core> core_;
};

result<address> address_of(const uri& location) { return address::from(location); }

result<std::shared_ptr<journal>> open_journal(const uri& location) {
  auto where = address_of(location);
  if (!where) return fail(std::move(where.error()));
  auto ready = attempt(where->name, "open", [&] {
    connection c{*where};
    return prepare_tables(c, *where);
  });
  if (!ready) return fail(std::move(ready.error()));
  return std::make_shared<postgres_journal>(*std::move(where));
}

result<std::unique_ptr<schema>> open_schema(const uri& location) {
  auto where = address_of(location);
  if (!where) return fail(std::move(where.error()));
  return make_schema(*std::move(where));
}

}  // namespace
}  // namespace postgres

backend postgres_backend() {
  return {.scheme = "postgresql", .open = postgres::open_journal, .schema = postgres::open_schema};
}

}  // namespace nexus::inline v0
