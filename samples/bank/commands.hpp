// The commands of `bank`, one function each. Each returns the process's exit code.
//
// 0 done; 1 done, but with errors: a posting or transfer was refused, or the journal has a fault; 2
// not done: an invalid file, an unknown account, a journal that does not open.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "transfer_arguments.hpp"

namespace bank {

inline constexpr int exit_done = 0;
inline constexpr int exit_faults = 1;
inline constexpr int exit_failed = 2;

int import_ledger(const std::string& file, const std::string& journal,
                  std::chrono::seconds patience);
int show_balances(bool as_csv, const std::string& journal);
int rebuild_balances(const std::string& journal);
int show_history(const std::string& account_name, const std::string& journal);

int transfer_money(const transfer_arguments& arguments, const std::string& journal);

int verify(const std::string& journal);

struct serve_arguments {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;
  unsigned threads = 16;
};
/// Runs until SIGTERM or SIGINT; requests in flight are finished.
int serve(const serve_arguments& arguments, const std::string& journal);

}  // namespace bank
