#include "nexus/transaction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <thread>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds longest_pause = 1s;

result<void> run(session& on, std::string_view sql) {
  auto done = on.execute(sql);
  if (!done) return fail(std::move(done.error()));
  return {};
}

// Savepoints of one name hide each other, the newest first: as nested calls need it.
constexpr std::string_view set_savepoint = "SAVEPOINT nexus_nested";
constexpr std::string_view release = "RELEASE SAVEPOINT nexus_nested";
constexpr std::string_view undo = "ROLLBACK TO SAVEPOINT nexus_nested";

// An isolation that is no longer possible must be an error, not ignored.
result<void> isolated_enough(session& on, isolation wanted) {
  if (wanted == isolation::read_committed) return {};
  auto has = on.level();
  if (!has) return fail(std::move(has.error()));
  if (*has >= wanted) return {};
  return fail(errc::invalid_argument, fmt::format("a transaction within a {} one cannot be {}",
                                                  to_string(*has), to_string(wanted)));
}

}  // namespace

result<void> transaction_scope::begin(const transaction_options& options) {
  nested_ = session_.in_transaction();
  if (nested_) {
    if (auto enough = isolated_enough(session_, options.level); !enough) return enough;
  }
  auto begun =
      nested_ ? run(session_, set_savepoint) : session_.begin(options.level, options.read_only);
  open_ = begun.has_value();
  undo_from_ = nested_ ? session_.undoes().mark() : 0;
  return begun;
}

result<void> transaction_scope::commit() {
  if (!nested_) {
    open_ = false;
    auto done = session_.commit();
    session_.undoes().end(done.has_value());
    return done;
  }
  auto released = run(session_, release);
  open_ = !released.has_value();
  return released;
}

transaction_scope::~transaction_scope() {
  if (!open_) return;
  // If this fails the connection is lost, or the transaction is over: nothing is left to undo.
  if (!nested_) {
    (void)session_.rollback();
  } else if (run(session_, undo)) {
    (void)run(session_, release);
  }
  session_.undoes().undo_to(undo_from_);
}

bool pause_before_retry(unsigned tries_so_far, const transaction_options& options) {
  if (tries_so_far > options.retries_max) return false;
  auto pause = std::clamp(options.retry_pause, 0ms, longest_pause);
  for (unsigned doubled = 1; doubled < tries_so_far && pause < longest_pause; ++doubled) pause *= 2;
  pause = std::min(pause, longest_pause);
  thread_local std::minstd_rand numbers{std::random_device{}()};
  // From half of it to the whole: transactions that collided should not meet again.
  std::this_thread::sleep_for(pause * std::uniform_real_distribution<>{0.5, 1.0}(numbers));
  return true;
}

}}}  // namespace nexus::v0::detail
