// SQL of the program on the journal's connection, and its transactions.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "constraints.hpp"
#include "session.hpp"
#include "sql_values.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

int is_interrupted(void* flag) { return static_cast<std::atomic<bool>*>(flag)->load() ? 1 : 0; }

// Waits as SQLite itself would, but can be interrupted. 0: stop waiting.
int wait_for_lock(void* flag, int tries) {
  constexpr std::array delays_ms{1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
  const auto delay_ms = [&](int n) {
    return delays_ms[std::min(static_cast<std::size_t>(n), delays_ms.size() - 1)];
  };
  int waited_ms = 0;
  for (int n = 0; n < tries; ++n) waited_ms += delay_ms(n);
  if (is_interrupted(flag) != 0 || waited_ms >= busy_timeout.count()) return 0;
  sqlite3_sleep(delay_ms(tries));
  return 1;
}

// How a statement ends a transaction or a savepoint.
enum class ending : std::uint8_t { none, commit, rollback, release };

// Most statements are told by one character.
bool may_end(std::string_view sql) noexcept {
  switch (sql.empty() ? '\0' : static_cast<char>(sql.front() | 0x20)) {
    case 'i':  // INSERT
    case 's':  // SELECT
    case 'u':  // UPDATE
    case 'd':  // DELETE
    case 'w':  // WITH
      return false;
    default:
      return true;
  }
}

ending ending_of(std::string_view sql) {
  if (!may_end(sql)) return ending::none;
  const auto word = detail::first_word(sql);
  if (word == "COMMIT" || word == "END") return ending::commit;
  if (word == "ROLLBACK") return ending::rollback;
  return word == "RELEASE" ? ending::release : ending::none;
}

}  // namespace

void session::begin_reads() noexcept {
  if (unfinished() || !connected()) return;
  try {
    connection_->begin_view();
  } catch (const SQLite::Exception&) {
    connection_.reset();  // the next read connects again, or tells why not
  }
}

void session::end_reads() noexcept {
  if (!connection_) return;
  try {
    connection_->end_view();
  } catch (const SQLite::Exception&) {
    connection_.reset();
  }
}

void session::use(std::unique_ptr<connection> opened) {
  connection_ = std::move(opened);
  connection_->interrupted = &interrupted_;
  auto* db = connection_->db->getHandle();
  // SQLite polls it, so replacing the connection needs no guard.
  constexpr int operations = 1'000;
  sqlite3_progress_handler(db, operations, is_interrupted, &interrupted_);
  sqlite3_busy_handler(db, wait_for_lock, &interrupted_);
}

result<void> session::connected() {
  if (is_ready()) return {};
  if (interrupted_) {
    return fail(errc::pool_closed, where_.name + ": the session was interrupted: the pool closed");
  }
  if (connection_) {
    if (auto why = connection_->trouble()) return fail(*std::move(why));
    return {};
  }
  auto made = connect(where_, *file_);
  if (!made) return fail(std::move(made.error()));
  use(std::move(*made));
  return {};
}

result<void> session::outside_of_transaction(std::string_view doing) const {
  if (!unfinished()) return {};
  return fail(errc::invalid_argument,
              fmt::format("{}: cannot {} within a transaction of the program", where_.name, doing));
}

result<void> session::run_alone(std::string_view sql, sql_parameters with, sql_row_sink* to,
                                sql_rows& rows, effect& had) {
  const auto bad = [&](std::string_view why) {
    return fail(errc::query_failed, fmt::format("{}: {}", where_.name, why));
  };
  auto* db = connection_->db->getHandle();
  auto& guard = connection_->guard;
  guard.begin_statement();
  const turn_scope turn{*connection_};
  std::unique_ptr<own_statement> made;
  try {
    made = connection_->own.take(db, sql);
    if (made->handle == nullptr) return bad("there is no statement");
    if (!made->alone) return bad("more than one statement at a time");
    if (auto done = bind_all(*made, with, where_.name); !done) return fail(done.error());
    had.writes = made->writes;
    if (connection_->viewing && (had.writes || may_end(sql))) connection_->end_view();
    if (read_only_ && had.writes) {
      return bad("cannot write in a read-only transaction");
    }
    const bool takes_lock =
        had.writes && guard.reach() != reach::beyond && !connection_->in_transaction();
    if (takes_lock) connection_->take_turn(taker::program);
    wrote_ = wrote_ || (had.writes && connection_->in_transaction());
    step_all(db, *made, had.writes, to, rows);
    if (guard.reach() == reach::rows) connection_->own.keep(std::move(made));
    return {};
  } catch (const SQLite::Exception& why) {
    if (!guard.refusal().empty()) return bad(guard.refusal());
    auto told = describe_sql(why, where_.name);
    if (told.code == errc::constraint_violated) {
      told.broken = broken_by(db, why, sql, guard);
      if (guard.reach() == reach::rows) connection_->own.keep(std::move(made));
    }
    // With attached files or temporary tables, one file may be committed and another not.
    had.full = !guard.touched() && wrote_nothing(db, why);
    had.may_stand = !had.full && (told.code == errc::unavailable || told.code == errc::corrupt);
    return fail(std::move(told));
  }
}

result<sql_rows> session::run_sql(std::string_view sql, sql_parameters with) {
  sql_rows rows;
  if (auto done = run_own(sql, with, nullptr, rows); !done) return fail(std::move(done.error()));
  return rows;
}

result<void> session::read_sql(std::string_view sql, sql_parameters with, sql_row_sink& to) {
  sql_rows rest;
  return run_own(sql, with, &to, rest);
}

result<void> session::run_own(std::string_view sql, sql_parameters with, sql_row_sink* to,
                              sql_rows& rows) {
  const auto ends = ending_of(sql);
  const bool within = unfinished();
  if (ends == ending::commit && within) return commit_by(sql);
  if (failed_ && ends != ending::rollback) return fail(*failed_);
  if (!is_ready()) {
    if (auto ready = connected(); !ready) {
      if (within) failed_ = ready.error();
      return fail(std::move(ready.error()));
    }
  }
  effect had;
  auto done = run_alone(sql, with, to, rows, had);
  const bool over = !connection_->in_transaction();
  if (over) read_only_ = wrote_ = false;
  if (over && within) undoes().end(done && ends != ending::rollback);
  if (done) failed_.reset();
  // By itself, or by releasing the savepoint that began the transaction; an inner savepoint touches
  // no file.
  const bool commits = within ? ends == ending::release : had.writes;
  if (commits && had.may_stand) return committed_in_doubt(std::move(done.error()));
  if (commits && over && done) {
    if (auto why = connection_->trouble()) return committed_in_doubt(*std::move(why));
  }
  // Also if SQLite has rolled back by itself: the following statements must not be committed one by
  // one.
  if (!done && within && !failed_) failed_ = done.error();
  return done;
}

tl::unexpected<error> session::committed_in_doubt(error why) {
  connection_.reset();  // its view of the log may differ from the file's content now
  why.code = errc::outcome_unknown;
  return tl::unexpected<error>{std::move(why)};
}

result<void> session::begin(isolation, bool read_only) {
  if (unfinished()) {
    return fail(errc::invalid_argument, where_.name + ": a transaction is open already");
  }
  auto done = run_sql(read_only ? "BEGIN" : "BEGIN IMMEDIATE", {});
  if (!done) return fail(std::move(done.error()));
  read_only_ = read_only;
  return {};
}

result<void> session::commit() { return commit_by("COMMIT"); }

result<void> session::commit_by(std::string_view sql) {
  auto done = end_by(sql);
  undoes().end(done.has_value());
  return done;
}

result<void> session::end_by(std::string_view sql) {
  if (!unfinished()) return fail(errc::invalid_argument, where_.name + ": no transaction is open");
  if (failed_) {
    auto why = *std::move(failed_);
    (void)rollback();
    return fail(std::move(why));
  }
  if (interrupted_) {
    (void)rollback();
    return connected();
  }
  effect had;
  sql_rows none;
  auto done = run_alone(sql, {}, nullptr, none, had);
  const bool wrote = std::exchange(wrote_, false);
  read_only_ = false;
  if (done) {
    if (!wrote) return {};
    if (auto why = connection_->trouble()) return committed_in_doubt(*std::move(why));
    return {};
  }
  // SQLite reports these before it begins to commit, and the transaction is still open then.
  const bool untouched =
      connection_->in_transaction() &&
      (done.error().code == errc::serialization_failed ||
       done.error().code == errc::constraint_violated || done.error().code == errc::query_failed);
  if (!untouched && !had.full) return committed_in_doubt(std::move(done.error()));
  if (connection_->in_transaction()) (void)rollback();
  return fail(std::move(done.error()));
}

result<void> session::rollback() {
  if (!unfinished()) return fail(errc::invalid_argument, where_.name + ": no transaction is open");
  failed_.reset();
  read_only_ = wrote_ = false;
  undoes().end(false);
  if (!connection_ || !connection_->in_transaction()) return {};  // SQLite rolled back by itself
  try {
    connection_->sql.rollback.run();
    connection_->end_turn();
  } catch (const SQLite::Exception&) {
    connection_.reset();  // closing rolls back
  }
  return {};
}

result<void> session::reset(const std::string& query) {
  if (!query.empty()) {
    if (auto done = validate(query); !done) return done;
  } else {
    connection_.reset();
    if (auto ready = connected(); !ready) return ready;
  }
  connection_->guard.forgive();
  connection_->own.clear();
  return {};
}

result<void> session::validate(const std::string& query) {
  if (auto ready = connected(); !ready) return ready;
  auto& guard = connection_->guard;
  guard.begin_statement();
  const turn_scope turn{*connection_};
  try {
    connection_->db->exec(query);
    return {};
  } catch (const SQLite::Exception& why) {
    if (!guard.refusal().empty()) {
      return fail(errc::query_failed, fmt::format("{}: {}", where_.name, guard.refusal()));
    }
    return fail(describe_sql(why, where_.name));
  }
}

}}}  // namespace nexus::v0::sqlite
