// Which statements of the program are prepared on a connection.
//
// A statement on rows is prepared when its text comes a second time. The server plans a prepared
// statement again by itself after DDL and after a change of the search_path, but the types of the
// parameters stay what they were, and other columns of the result are an error. So statements that
// may change types (DDL, SET …) make a connection forget what it has prepared.
//
// Only keeps the account: the connection does what it says.
//
// Threads: the connection's.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus { inline namespace v0 { namespace postgres {

class own_statements {
 public:
  static constexpr std::size_t known_max = 128;
  static constexpr std::size_t text_bytes_max = 4'096;

  own_statements();

  struct known {
    std::string text;
    std::vector<Oid> types{};  // of the parameters, as given; 0: the server infers it
    std::string name{};        // on the server; empty: used once, and not to be prepared yet
    bool prepared = false;
  };

  /// Notes that a statement is about to run. Returns it if it is prepared, or is to be prepared now;
  /// null if it runs as it is. Valid until the next call.
  [[nodiscard]] known* use(std::string_view sql, std::span<const Oid> types);

  /// Prepares it no more until it was used twice again.
  void drop(known* one);
  /// The same for all.
  void forget();
  /// The same where the server has forgotten them already.
  void lose();
  /// Nothing is prepared any more. For a server that forgets what it should not: a pooler may give
  /// the connection to another client.
  void stop();

  /// True if a statement ran since the last call that may have changed settings or types.
  [[nodiscard]] bool had_others() noexcept { return std::exchange(had_others_, false); }

  /// DEALLOCATE for the statements that are on the server and were dropped; empty if there are none.
  [[nodiscard]] std::string deallocate();

 private:
  // Of a statement that is not prepared.
  void note_other(std::string_view word, std::string_view sql);

  const std::string prefix_;  // of names; random, so that no other client of a pooler has them
  std::vector<known> known_;  // the last one is the one used last
  std::vector<std::string> dropped_;
  std::uint64_t made_ = 0;
  bool had_others_ = false;
  bool others_in_transaction_ = false;  // since it began
  bool stopped_ = false;
};

}}}  // namespace nexus::v0::postgres
