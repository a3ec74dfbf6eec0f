#include "connection.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "sql_values.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

using namespace std::chrono_literals;

constexpr int version_min = 130'000;  // xid8 and its functions

// The server's timeout fires first and reports it, so the outcome of a statement is known.
constexpr auto slack = 5s;

std::string field(const PGresult* r, int code) {
  const char* text = PQresultErrorField(r, code);
  return text == nullptr ? std::string{} : std::string{text};
}

constraint_kind kind_of(std::string_view state) {
  using enum constraint_kind;
  if (state == sqlstate::unique_violation) return unique;
  if (state == "23503" || state == "23001") return foreign_key;  // also ON DELETE RESTRICT
  if (state == "23502") return not_null;
  if (state == "23514") return check;
  if (state == "23P01") return exclusion;
  return other;
}

trouble error_of(const PGresult* r) {
  auto message = field(r, PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) message = PQresultErrorMessage(r);
  trouble made{field(r, PG_DIAG_SQLSTATE), one_line(message)};
  // Its state is that of every unsupported feature, and its text is translated.
  if (field(r, PG_DIAG_SOURCE_FUNCTION) == "RevalidateCachedQuery") made.mark_stale_plan();
  if (!made.of_class("23")) return made;
  broken_constraint what{.kind = kind_of(made.sqlstate()),
                         .name = field(r, PG_DIAG_CONSTRAINT_NAME),
                         .table = field(r, PG_DIAG_TABLE_NAME)};
  if (auto column = field(r, PG_DIAG_COLUMN_NAME); !column.empty()) what.columns = {column};
  made.breaks({field(r, PG_DIAG_SCHEMA_NAME), std::move(what)});
  return made;
}

// After these errors the server ends the session.
bool is_fatal(const PGresult* r) {
  const auto severity = field(r, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == "FATAL" || severity == "PANIC";
}

}  // namespace

connection::connection(const address& where) : patience_{where.patience} {
  connect(where);
  check_server();
  set_up(where);
}

void connection::connect(const address& where) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [key, value] : where.options) {
    keywords.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  handle_.reset(PQconnectdbParams(keywords.data(), values.data(), 0));
  if (PQstatus(handle_.get()) != CONNECTION_OK) lose(PQerrorMessage(handle_.get()));
  PQsetNoticeProcessor(
      handle_.get(), [](void*, const char*) {}, nullptr);  // default: stderr
  PQsetnonblocking(handle_.get(), 1);
}

void connection::check_server() const {
  const auto version = PQserverVersion(handle_.get());
  if (version < version_min) {
    throw trouble{"",
                  fmt::format("the server is PostgreSQL {}.{}, which is too old: {} is the oldest "
                              "that will do",
                              version / 10'000, version % 10'000, version_min / 10'000)};
  }
  const char* encoding = PQparameterStatus(handle_.get(), "server_encoding");
  if (encoding == nullptr || std::string_view{encoding} != "UTF8") {
    throw trouble{"", fmt::format("the database's encoding is {}, not UTF8",
                                  encoding == nullptr ? "unknown" : encoding)};
  }
}

void connection::lose(const std::string& why) {
  lost_ = true;
  throw trouble{"", one_line(why), true};
}

bool connection::alive() noexcept {
  if (lost_) return false;
  // Reads the server's last messages up to the end. Nothing else arrives unrequested, except a few
  // notices.
  for (int reads = 0; reads < 10 && PQstatus(handle_.get()) == CONNECTION_OK; ++reads) {
    pollfd socket{PQsocket(handle_.get()), POLLIN, 0};
    if (poll(&socket, 1, 0) <= 0) break;
    PQconsumeInput(handle_.get());
  }
  lost_ = PQstatus(handle_.get()) != CONNECTION_OK;
  return !lost_;
}

// -- sending and waiting ------------------------------------------------------------------------

void connection::check_sent(int sent) {
  if (sent != 1) lose(PQerrorMessage(handle_.get()));
}

void connection::wait(short events) {
  pollfd socket{PQsocket(handle_.get()), events, 0};
  for (;;) {
    int milliseconds = -1;
    if (patience_.count() != 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          deadline_ - std::chrono::steady_clock::now());
      if (left <= 0ms) {
        lose(fmt::format("no answer within {} ms",
                         std::chrono::milliseconds{patience_ + slack}.count()));
      }
      milliseconds = static_cast<int>(left.count());
    }
    if (poll(&socket, 1, milliseconds) > 0) return;
  }
}

void connection::flush() {
  for (;;) {
    const int left = PQflush(handle_.get());
    if (left == 0) return;
    if (left < 0) lose(PQerrorMessage(handle_.get()));
    // The server may wait for us to read before it continues reading.
    wait(POLLIN | POLLOUT);
    if (PQconsumeInput(handle_.get()) == 0) lose(PQerrorMessage(handle_.get()));
  }
}

PGresult* connection::next_result() {
  while (PQisBusy(handle_.get()) != 0) {
    wait(POLLIN);
    if (PQconsumeInput(handle_.get()) == 0) lose(PQerrorMessage(handle_.get()));
  }
  return PQgetResult(handle_.get());
}

void connection::send(const call& one, std::vector<const statement*>& preparing) {
  const auto& [what, with] = one;
  auto* c = handle_.get();
  if (!prepared_.contains(what.name) && std::ranges::count(preparing, &what) == 0) {
    check_sent(PQsendPrepare(c, what.name.c_str(), what.sql.c_str(), 0, nullptr));
    preparing.push_back(&what);
  }
  check_sent(PQsendQueryPrepared(c, what.name.c_str(), with.count(), with.values(), with.lengths(),
                                 with.formats(), 1));
}

std::vector<rows> connection::run(const std::vector<call>& calls) {
  for_journal();
  try {
    return run_prepared(calls);
  } catch (const trouble& why) {
    // Own SQL may deallocate our statements, or prepare one of that name. Then nothing of this run
    // was done.
    if (!why.is(sqlstate::invalid_statement_name) && !why.is(sqlstate::duplicate_statement_name)) {
      throw;
    }
  }
  forget_prepared();
  return run_prepared(calls);
}

std::vector<rows> connection::run_prepared(const std::vector<call>& calls) {
  deadline_ = std::chrono::steady_clock::now() + patience_ + slack;
  PQenterPipelineMode(handle_.get());
  std::vector<const statement*> preparing;
  // The order of results: one per message sent, a statement's preparation before its first call.
  std::vector<const statement*> expected;
  for (const auto& one : calls) {
    const auto before = preparing.size();
    send(one, preparing);
    if (preparing.size() > before) expected.push_back(preparing.back());
    expected.push_back(nullptr);
  }
  check_sent(PQpipelineSync(handle_.get()));
  flush();

  std::vector<rows> answers;
  std::optional<trouble> first;
  for (const auto* prepared : expected) {
    rows answer{next_result()};
    const auto* r = answer.get();
    const auto status = PQresultStatus(r);
    if (r == nullptr) lose("the connection ended in the middle of an answer");
    if (status == PGRES_FATAL_ERROR) {
      if (is_fatal(r) || PQstatus(handle_.get()) != CONNECTION_OK) {
        const auto why = error_of(r);
        lost_ = true;
        throw trouble{std::string{why.sqlstate()}, why.what(), true};
      }
      if (!first) first = error_of(r);
    } else if (status != PGRES_PIPELINE_ABORTED) {
      if (prepared != nullptr) {
        prepared_.insert(prepared->name);
      } else {
        answers.push_back(std::move(answer));
      }
    }
    if (PGresult* more = next_result(); more != nullptr) {
      PQclear(more);
      lose("an answer has more than one result");
    }
  }
  // An error here is an error of the commit.
  const rows synced{next_result()};
  if (PQresultStatus(synced.get()) != PGRES_PIPELINE_SYNC) {
    if (synced.get() == nullptr) lose("the connection ended before the transaction did");
    const auto why = error_of(synced.get());
    lost_ = true;
    throw trouble{std::string{why.sqlstate()}, why.what(), true};
  }
  PQexitPipelineMode(handle_.get());
  if (first) throw trouble{*first};
  return answers;
}

rows connection::query(const statement& what, const parameters& with) {
  return std::move(run({{what, with}}).front());
}

rows connection::execute(const std::string& sql) {
  deadline_ = std::chrono::steady_clock::now() + patience_ + slack;
  check_sent(PQsendQuery(handle_.get(), sql.c_str()));
  flush();
  rows last{nullptr};
  std::optional<trouble> first;
  while (PGresult* r = next_result()) {
    if (PQresultStatus(r) == PGRES_FATAL_ERROR && !first) first = error_of(r);
    last = rows{r};
  }
  if (PQstatus(handle_.get()) != CONNECTION_OK) lost_ = true;
  if (first) throw trouble{std::string{first->sqlstate()}, first->what(), lost_};
  return last;
}

// -- own SQL ------------------------------------------------------------------------------------

bool connection::in_transaction() const noexcept {
  const auto status = PQtransactionStatus(handle_.get());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

rows connection::own(const std::string& sql, const text_parameters& with) {
  constexpr int text_form = 0;
  auto* c = handle_.get();
  if (auto* one = own_.use(sql, {with.types(), static_cast<std::size_t>(with.count())})) {
    try {
      if (!one->prepared) prepare(*one);
      return own_answer(PQsendQueryPrepared(c, one->name.c_str(), with.count(), with.values(),
                                            with.lengths(), with.formats(), text_form));
    } catch (const trouble& why) {
      const bool forgotten = why.is(sqlstate::invalid_statement_name);
      if (forgotten) {
        own_.stop();
      } else if (why.of_stale_plan() || why.of_class("22") || why.of_class("42")) {
        own_.drop(one);  // types may have changed
      }
      if (why.connection_lost() || (!forgotten && !why.of_stale_plan())) throw;
      if (in_transaction()) {
        throw trouble{
            std::string{sqlstate::serialization_failure},
            fmt::format("{}: {}", why.what(),
                        forgotten ? "a pooler may have given the connection to another client; "
                                    "statements are prepared on it no more"
                                  : "another session has changed a table; the transaction may "
                                    "be repeated")};
      }
    }
  }
  return own_answer(PQsendQueryParams(c, sql.c_str(), with.count(), with.types(), with.values(),
                                      with.lengths(), with.formats(), text_form));
}

void connection::prepare(own_statements::known& one) {
  if (const auto dropped = own_.deallocate(); !dropped.empty()) execute(dropped);
  own_answer(PQsendPrepare(handle_.get(), one.name.c_str(), one.text.c_str(),
                           static_cast<int>(one.types.size()), one.types.data()));
  one.prepared = true;
}

rows connection::own_answer(int sent) {
  deadline_ = std::chrono::steady_clock::now() + patience_ + slack;
  check_sent(sent);
  flush();
  rows answer{nullptr};
  std::optional<trouble> first;
  while (PGresult* r = next_result()) {
    answer = rows{r};
    const auto status = PQresultStatus(r);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
      lost_ = true;  // the server waits for data, or sends it
      throw trouble{std::string{sqlstate::not_supported},
                    "COPY from or to the client is not possible here", true};
    }
    if (status == PGRES_EMPTY_QUERY) {
      first = trouble{std::string{sqlstate::syntax_error}, "there is no statement"};
    } else if (status == PGRES_FATAL_ERROR && !first) {
      first = error_of(r);
      lost_ = lost_ || is_fatal(r);
    }
  }
  lost_ = lost_ || PQstatus(handle_.get()) != CONNECTION_OK;
  if (first) throw trouble{*std::move(first), lost_};
  if (answer.get() == nullptr) lose("the connection ended before an answer");
  return answer;
}

}}}  // namespace nexus::v0::postgres
