// SQL of the program on the journal's connection, and its transactions.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "session.hpp"
#include "sql_values.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

bool changes_schema(std::string_view word) {
  static constexpr std::array<std::string_view, 5> words{"CREATE", "ALTER", "DROP", "DO", "CALL"};
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

error session::told(errc code, std::string_view why) const {
  return {code, fmt::format("{}: {}", core_->where.name, why)};
}

error session::was_interrupted() const {
  return told(errc::pool_closed, "the session was interrupted: the pool closed");
}

result<void> session::outside_of_transaction(std::string_view doing) const {
  if (!unfinished()) return {};
  return fail(told(errc::invalid_argument,
                   fmt::format("cannot {} within a transaction of the program", doing)));
}

// Settings end with their connection: a program that changed some gets an error instead of a new
// connection.
result<void> session::connect_for_sql() {
  if (gate_.interrupted()) return fail(was_interrupted());
  if (unfinished()) return {};
  replace_if_due();
  if (!touched_ || !connection_) return connect("connect");
  if (connection_->alive()) return {};
  drop_connection();
  return fail(told(errc::unavailable, "the connection was lost"));
}

// Sends it. `lost_after_sending`: its outcome is unknown.
result<rows> session::send_own(const std::string& sql, sql_parameters with,
                               bool& lost_after_sending) {
  auto bound = text_parameters::from(with, core_->where.name);
  if (!bound) return fail(std::move(bound.error()));
  bool sent = false;
  try {
    if (!connection_->in_transaction()) connection_->for_own_sql();
    sent = true;
    auto answer = connection_->own(sql, *bound);
    if (changed_schema_ && !connection_->in_transaction()) {
      changed_schema_ = false;
      core_->constraints.make_due();
    }
    return answer;
  } catch (const trouble& why) {
    auto whole = describe_sql(why, core_->where.name);
    if (whole.broken && !connection_->lost()) whole.broken = with_columns(*why.broken());
    if (!connection_->lost()) {
      if (const auto reason = refuses_writes(why); !reason.empty()) {
        replace_ = true;
        whole = {errc::unavailable,
                 fmt::format("{}; the connection is replaced: {}", whole.message, reason)};
      }
      return fail(std::move(whole));
    }
    drop_connection();
    lost_after_sending = sent && whole.code == errc::unavailable;
    if (gate_.interrupted()) return fail(was_interrupted());
    return fail(std::move(whole));
  }
}

// Adds the columns if they can be known: an aborted transaction answers no question.
broken_constraint session::with_columns(const trouble::constraint& broken) {
  auto what = broken.what;
  auto& known = core_->constraints;
  if (what.name.empty() || !what.columns.empty()) return what;
  if (known.complete(broken.schema, what) && !known.due()) return what;
  if (connection_->in_transaction()) {
    known.make_due();
    return what;
  }
  try {
    known.read(*connection_);
    (void)known.complete(broken.schema, what);
  } catch (const trouble&) {  // NOLINT(bugprone-empty-catch): the columns remain unknown
  }
  return what;
}

// Before a transaction begins, as its errors cannot be looked up.
result<void> session::know_constraints() {
  if (!core_->constraints.due()) return {};
  try {
    connection_->for_own_sql();  // as the transaction needs it
    core_->constraints.read(*connection_);
  } catch (const trouble& why) {
    if (!connection_->lost()) return {};  // the columns remain unknown
    drop_connection();
    if (gate_.interrupted()) return fail(was_interrupted());
    return fail(describe_sql(why, core_->where.name));
  }
  return {};
}

// A replica refuses all writes. With default_transaction_read_only a server refuses only statements
// outside of transactions, as transactions can override it; and the session may have set it itself.
std::string session::refuses_writes(const trouble& why) {
  const bool read_only = why.is(sqlstate::read_only_transaction);
  if (!read_only && !why.is(sqlstate::not_supported)) return {};  // BEGIN READ WRITE on a replica
  if (connection_->of_replica()) return is_replica;
  if (!read_only || !connection_->reads_by_default() || connection_->in_transaction()) return {};
  try {
    const auto source = connection_->execute(
        "SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only'");
    return source.bytes(0, 0) == "session" ? "" : is_read_only;
  } catch (const trouble&) {
    return {};
  }
}

void session::replace_if_due() noexcept {
  if (replace_ && !unfinished()) drop_connection();
}

result<sql_rows> session::run_own(std::string_view sql, sql_parameters with, sql_row_sink* to) {
  if (sql.find('\0') != std::string_view::npos) {
    return fail(told(errc::query_failed, "the statement contains a NUL byte"));
  }
  const auto word = detail::first_word(sql);
  if ((word == "COMMIT" || word == "END") && unfinished()) {
    return commit_by(sql).map([] { return sql_rows{}; });
  }
  const bool undoes_it = word == "ROLLBACK" || word == "ABORT";
  if (failed_ && (!undoes_it || !connection_)) return fail(*failed_);
  if (auto ready = connect_for_sql(); !ready) return fail(std::move(ready.error()));
  const bool within = unfinished();
  if (!within && (word == "BEGIN" || word == "START")) {
    if (auto known = know_constraints(); !known) return fail(std::move(known.error()));
  }
  if (changes_schema(word)) changed_schema_ = true;
  touched_ = true;
  lock_held_ = false;
  bool lost = false;
  auto answer = send_own(std::string{sql}, with, lost);
  if (answer) {
    failed_.reset();
    if (within && !unfinished()) undoes().end(!undoes_it);
    return to_sql_rows(*answer, to);
  }
  auto why = std::move(answer.error());
  if (within) {
    if (!failed_) failed_ = why;
  } else if (lost && why.code == errc::unavailable) {
    why.code = errc::outcome_unknown;
  }
  return fail(std::move(why));
}

result<void> session::begin(isolation level, bool read_only) {
  if (unfinished()) return fail(told(errc::invalid_argument, "a transaction is open already"));
  auto done = run_sql(fmt::format("BEGIN ISOLATION LEVEL {} {}", to_string(level),
                                  read_only ? "READ ONLY" : "READ WRITE"),
                      {});
  if (done) return {};
  if (unfinished()) (void)rollback();  // on a replica it has begun, and failed at READ WRITE
  if (done.error().code == errc::outcome_unknown) done.error().code = errc::unavailable;
  return fail(std::move(done.error()));
}

result<void> session::commit() { return commit_by("COMMIT"); }

result<void> session::commit_by(std::string_view sql) {
  auto done = end_by(sql);
  undoes().end(done.has_value());
  return done;
}

result<void> session::end_by(std::string_view sql) {
  if (!unfinished()) return fail(told(errc::invalid_argument, "no transaction is open"));
  if (failed_) {
    auto why = *std::move(failed_);
    (void)rollback();
    return fail(std::move(why));
  }
  if (gate_.interrupted()) {
    drop_connection();  // before any part of the commit was sent
    return fail(was_interrupted());
  }
  bool lost = false;
  auto answer = send_own(std::string{sql}, {}, lost);
  if (!answer) {
    auto why = std::move(answer.error());
    if (lost) why.code = errc::outcome_unknown;
    if (unfinished()) (void)rollback();
    return fail(std::move(why));
  }
  if (answer->tag() == "ROLLBACK") {
    return fail(told(errc::query_failed, "the transaction had failed, and was rolled back"));
  }
  return {};
}

result<void> session::rollback() {
  if (!unfinished()) return fail(told(errc::invalid_argument, "no transaction is open"));
  failed_.reset();
  undoes().end(false);
  if (!connection_) return {};  // it ended with the connection
  bool ignored = false;
  if (auto done = send_own("ROLLBACK", {}, ignored); !done && connection_) drop_connection();
  return {};
}

result<isolation> session::level() {
  auto shown = execute("SHOW transaction_isolation");
  if (!shown) return fail(std::move(shown.error()));
  const auto name = std::get<std::string>(shown->at(0, 0));
  for (auto level : {isolation::repeatable_read, isolation::serializable}) {
    if (name == to_string(level)) return level;
  }
  return isolation::read_committed;
}

bool session::unfinished() const noexcept {
  return failed_ || (connection_ && connection_->in_transaction());
}

template <class Work>
result<void> session::between_leases(Work&& work) {
  if (gate_.interrupted()) return fail(was_interrupted());
  if (auto ready = connect("connect"); !ready) return ready;
  try {
    work(*connection_);
    return {};
  } catch (const trouble& why) {
    auto whole = describe_sql(why, core_->where.name);
    if (connection_->lost()) drop_connection();
    return fail(gate_.interrupted() ? was_interrupted() : std::move(whole));
  }
}

result<void> session::reset(const std::string& query) {
  lock_held_ = false;  // it is released with the others, and taken again later
  auto done = between_leases([&](connection& c) { c.reset(query); });
  if (done) touched_ = false;
  // A new connection may work again, if a replica was promoted or a role's settings changed.
  if (done && (connection_->of_replica() || connection_->reads_by_default())) drop_connection();
  return done;
}

// With the current settings: it only checks that the server answers.
result<void> session::validate(const std::string& query) {
  return between_leases([&](connection& c) { c.execute(query); });
}

}}}  // namespace nexus::v0::postgres
