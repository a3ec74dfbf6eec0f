#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "migration.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/postgres.hpp"
#include "schema.hpp"
#include "session.hpp"
#include "watch.hpp"

namespace nexus { inline namespace v0 {
namespace postgres {
namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = 50ms;
constexpr auto longest_pause = 2'000ms;

// 4713 BC, the first day of PostgreSQL's range. Its last day is past the range of `timestamp`.
constexpr timestamp first_time{std::chrono::microseconds{-210'866'803'200'000'000}};

}  // namespace

journal_limits limits() noexcept { return {.time_min = first_time}; }

// With a pause that grows while the server cannot be reached, and jitter, so that sessions do not
// all reconnect at the same moment.
result<void> session::connect(std::string_view doing) {
  replace_if_due();
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

error session::failure(const trouble& why, std::string_view doing) {
  auto whole = describe(why, core_->where.name, doing);
  auto unfit = [&]() -> std::string {
    try {
      if (connection_->lost()) return {};
      auto reason = connection_->unfit();
      if (reason.empty() && why.is(sqlstate::read_only_transaction)) return "it is read-only";
      return reason;
    } catch (const trouble&) {
      return {};  // the first warning has more detail
    }
  }();
  if (!unfit.empty()) {
    whole = {errc::unavailable,
             fmt::format("{}; the connection is replaced: {}", whole.message, unfit)};
  }
  if (!unfit.empty() || connection_->lost()) drop_connection();
  return gate_.interrupted() ? was_interrupted() : whole;
}

void session::drop_connection() noexcept {
  if (in_flight_ && lock_ != 0) core_->unresolved.add(lock_);
  lock_ = 0;
  lock_held_ = false;
  touched_ = false;
  replace_ = false;
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

// A server tuned for speed may lose what a session has made durable.
void warn_of_danger(connection& c, const address& where) {
  const auto found = c.execute(
      "SELECT name FROM (VALUES ('fsync'), ('full_page_writes')) AS asked (name) "
      "WHERE current_setting(name) = 'off'");
  for (int row = 0; row < found.size(); ++row) {
    detail::log().warn(
        "{}: {} is off on the server: a crash of its machine may damage the database and lose "
        "acknowledged events; set it to on",
        where.name, found.bytes(row, 0));
  }
}

result<address> address_of(const uri& location) { return address::from(location); }

result<std::shared_ptr<journal>> open_journal(const uri& location) {
  auto where = address_of(location);
  if (!where) return fail(std::move(where.error()));
  auto ready = attempt(where->name, "open", [&] {
    connection c{*where};
    auto prepared = prepare_tables(c, *where);
    if (prepared) warn_of_danger(c, *where);
    // So that all connections of a journal find the same tables, even if a role's setting changes
    // later.
    where->search_path = c.search_path();
    return prepared;
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

}}  // namespace nexus::v0
