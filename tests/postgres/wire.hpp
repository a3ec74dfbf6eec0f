// A client's messages in PostgreSQL's protocol 3, parsed just far enough to find the ends of
// transactions.
// (https://www.postgresql.org/docs/current/protocol-message-formats.html)
//
// Threads: one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::test {

/// A client's work up to a Sync, or a simple query. Outside BEGIN it commits then.
struct unit {
  std::vector<std::string> executed;  ///< prepared statements by name; unnamed ones by their text
  std::string query;                  ///< a simple query's text
};

/// One whole message. `ends` holds the work that a Sync or a simple query ends.
struct message {
  std::string bytes;
  std::optional<unit> ends;
};

class client_stream {
 public:
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole message, if any.
  [[nodiscard]] std::optional<message> next();

 private:
  [[nodiscard]] std::optional<unit> note(char type, std::string_view body);

  std::string buffer_;
  bool started_ = false;  // the first messages have no type
  unit current_;
  std::map<std::string, std::string, std::less<>> texts_, portals_;
};

}  // namespace nexus::test
