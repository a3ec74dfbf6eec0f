// A connection of libpq, with statements prepared at first use.
//
// A `run` is one transaction and one round trip: its statements are sent one after the other in
// libpq's pipeline mode, and one Sync commits them. (Without BEGIN, everything before a Sync is an
// implicit transaction.)
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
#include "answer.hpp"
#include "errors.hpp"
#include "own_statements.hpp"
#include "parameters.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

class text_parameters;

/// A statement to prepare. The server shows its name, and tests may wait for it.
struct statement {
  std::string name;
  std::string sql;
};

/// A statement with its parameters; both outlive the `run`.
struct call {
  const statement& what;
  const parameters& with;
};

inline constexpr const char* is_replica = "the server is a read-only replica";
inline constexpr const char* is_read_only = "default_transaction_read_only is on";

class connection {
 public:
  /// Connects, and refuses a server that cannot hold a journal.
  explicit connection(const address& where);

  /// Runs all calls in one transaction, or none; returns each statement's rows. Throws the first
  /// error.
  std::vector<rows> run(const std::vector<call>& calls);

  rows query(const statement& what, const parameters& with = {});

  /// Plain SQL, any number of statements, in one transaction unless the SQL says otherwise. Returns
  /// the rows of the last statement, as text.
  rows execute(const std::string& sql);

  /// Prepares for a statement of the user. Own SQL runs with the server's settings, the journal's
  /// with ours: this changes the settings if needed, and `run` changes them back. Not within a
  /// transaction.
  void for_own_sql();
  rows own(const std::string& sql, const text_parameters& with);
  /// Undoes what own SQL may have left behind, except our prepared statements; or runs `query`.
  void reset(const std::string& query);

  [[nodiscard]] bool in_transaction() const noexcept;

  /// False if the server has closed the connection.
  [[nodiscard]] bool alive() noexcept;

  [[nodiscard]] bool lost() const noexcept { return lost_; }

  /// The synchronous_commit and the search_path set on this connection.
  [[nodiscard]] const std::string& durability() const noexcept { return durability_; }
  [[nodiscard]] const std::string& search_path() const noexcept { return search_path_; }

  /// True if the server takes no writes, as far as it has reported (from PostgreSQL 14 on).
  [[nodiscard]] bool of_replica() const noexcept;
  [[nodiscard]] bool reads_by_default() const noexcept;
  /// Why it is unusable, in words; or the setting that has changed: by a trigger, or by a pooler
  /// that gave this connection to another client. Not within a transaction.
  [[nodiscard]] std::string unfit();

  /// The text as a constant in SQL, with its quotes.
  [[nodiscard]] std::string literal(std::string_view text) const;

  [[nodiscard]] PGconn* handle() const noexcept { return handle_.get(); }

 private:
  using time_point = std::chrono::steady_clock::time_point;

  enum class settings { journal, own };

  void connect(const address& where);
  void check_server() const;
  void set_up(const address& where);
  void for_journal();
  [[nodiscard]] std::string names_taken() const;
  void forget_prepared();
  std::vector<rows> run_prepared(const std::vector<call>& calls);
  void send(const call& one, std::vector<const statement*>& preparing);
  PGresult* next_result();
  void flush();
  void wait(short events);
  rows own_answer(int sent);
  void prepare(own_statements::known& one);
  [[noreturn]] void lose(const std::string& why);
  void check_sent(int sent);

  struct finish {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
  };
  std::unique_ptr<PGconn, finish> handle_;
  std::set<std::string_view> prepared_;  // the names; the statements outlive the connection
  own_statements own_;                   // of the program
  struct pinned {
    std::string name, value;
    settings of = settings::own;  // own: belongs to both
  };
  std::vector<pinned> pinned_;
  std::string durability_, search_path_;
  std::string common_, to_journal_, to_own_;  // SQL that sets them: for everything, for one of both
  settings has_ = settings::journal;
  std::chrono::milliseconds patience_;
  time_point deadline_ = time_point::max();
  bool lost_ = false;
};

}}}  // namespace nexus::v0::postgres
