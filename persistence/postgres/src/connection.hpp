// One connection of libpq, with statements prepared when they are first used.
//
// What is sent together is one transaction and one round trip: the statements of a `run` go out in
// libpq's pipeline mode behind one another, and one Sync commits them. (Without BEGIN, all that comes
// before a Sync is an implicit transaction.)
//
// Threads: one at a time. Throws: trouble.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "address.hpp"
#include "errors.hpp"
#include "parameters.hpp"

namespace nexus::inline v0::postgres {

class text_parameters;

/// A statement to prepare. The name is what the server shows, and what a test may wait for.
struct statement {
  std::string name;
  std::string sql;
};

/// What a statement answered. Values are in binary form.
class rows {
 public:
  explicit rows(PGresult* taken) : result_{taken} {}

  [[nodiscard]] int size() const noexcept { return PQntuples(result_.get()); }
  [[nodiscard]] bool is_null(int row, int column) const noexcept {
    return PQgetisnull(result_.get(), row, column) != 0;
  }
  [[nodiscard]] std::string_view bytes(int row, int column) const noexcept {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
  }
  /// Of int8, xid8 and timestamptz; 0 if it has another size.
  [[nodiscard]] std::int64_t int8(int row, int column) const noexcept;
  [[nodiscard]] bool boolean(int row, int column) const noexcept {
    return !bytes(row, column).empty() && bytes(row, column)[0] != 0;
  }
  [[nodiscard]] const PGresult* get() const noexcept { return result_.get(); }
  /// What was done, as in "INSERT 0 5" or "ROLLBACK".
  [[nodiscard]] std::string_view tag() const noexcept { return PQcmdStatus(result_.get()); }
  /// Rows that an INSERT, UPDATE or DELETE touched.
  [[nodiscard]] std::int64_t affected() const noexcept;

 private:
  struct clear {
    void operator()(PGresult* r) const noexcept { PQclear(r); }
  };
  std::unique_ptr<PGresult, clear> result_;
};

/// A statement with its parameters; both outlive the `run`.
struct call {
  const statement& what;
  const parameters& with;
};

class connection {
 public:
  /// Connects, and refuses a server that cannot hold a journal.
  explicit connection(const address& where);

  /// All of it in one transaction, or none; what each statement answered. Throws the first error.
  std::vector<rows> run(const std::vector<call>& calls);

  rows query(const statement& what, const parameters& with = {});

  /// Plain SQL, any number of statements, in one transaction unless it says otherwise. What it reads
  /// comes back as text, of its last statement.
  rows execute(const std::string& sql);

  /// One statement of the user's own. It runs with the server's own settings, the journal's with ours:
  /// `for_own_sql` changes them if need be, and `run` does the same. Not within a transaction.
  void for_own_sql();
  rows own(const std::string& sql, const text_parameters& with);
  /// Undoes what own SQL may have left behind, but for prepared statements of ours; or what `query` says.
  void reset(const std::string& query);

  [[nodiscard]] bool in_transaction() const noexcept;

  /// False if the server has closed it meanwhile.
  [[nodiscard]] bool alive() noexcept;

  [[nodiscard]] bool lost() const noexcept { return lost_; }
  [[nodiscard]] PGconn* handle() const noexcept { return handle_.get(); }

 private:
  using time_point = std::chrono::steady_clock::time_point;

  enum class settings { journal, own };

  void connect(const address& where);
  void check_server() const;
  void set_up(const address& where);
  void for_journal();
  std::vector<rows> run_prepared(const std::vector<call>& calls);
  void send(const call& one, std::vector<const statement*>& preparing);
  PGresult* next_result();
  void flush();
  void wait(short events);
  [[noreturn]] void lose(const std::string& why);
  void check_sent(int sent);

  struct finish {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
  };
  std::unique_ptr<PGconn, finish> handle_;
  std::set<std::string_view> prepared_;  // names, of statements that outlive the connection
  std::string common_;                   // settings that hold for everything
  settings has_ = settings::journal;
  std::chrono::milliseconds patience_;
  time_point deadline_ = time_point::max();
  bool lost_ = false;
};

}  // namespace nexus::inline v0::postgres
