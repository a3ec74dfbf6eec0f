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
#include "answer.hpp"
#include "errors.hpp"
#include "parameters.hpp"

namespace nexus::inline v0::postgres {

class text_parameters;

/// A statement to prepare. The name is what the server shows, and what a test may wait for.
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

  /// The synchronous_commit and the search_path that it was set to.
  [[nodiscard]] const std::string& durability() const noexcept { return durability_; }
  [[nodiscard]] const std::string& search_path() const noexcept { return search_path_; }

  /// Whether the server takes no writes, as far as it has told (from PostgreSQL 14 on).
  [[nodiscard]] bool of_replica() const noexcept;
  [[nodiscard]] bool reads_by_default() const noexcept;
  /// That in words, or which setting is not as it was set: by a trigger, or by a pooler that has given
  /// this connection to somebody else. Not within a transaction.
  [[nodiscard]] std::string unfit();

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
  [[noreturn]] void lose(const std::string& why);
  void check_sent(int sent);

  struct finish {
    void operator()(PGconn* c) const noexcept { PQfinish(c); }
  };
  std::unique_ptr<PGconn, finish> handle_;
  std::set<std::string_view> prepared_;  // names, of statements that outlive the connection
  struct pinned {
    std::string name, value;
    settings of = settings::own;  // own: of both
  };
  std::vector<pinned> pinned_;
  std::string durability_, search_path_;
  std::string common_, to_journal_, to_own_;  // SQL that sets them: for everything, for one of both
  settings has_ = settings::journal;
  std::chrono::milliseconds patience_;
  time_point deadline_ = time_point::max();
  bool lost_ = false;
};

}  // namespace nexus::inline v0::postgres
