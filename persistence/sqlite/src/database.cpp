#include "database.hpp"

#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "errors.hpp"
#include "migration.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using opening = schema_choices::opening;

// A checkpoint costs random writes and two syncs, and mostly copies pages that the next batch
// changes again: the default of 1,000 pages reaches 0.6 of this rate. 40 MB of log are recovered in
// well under a second.
constexpr int checkpoint_pages = 10'000;
constexpr int log_bytes_max = 64 << 20;  // the rest of a log that grew longer under a reader
constexpr int cache_kib = 16 << 10;      // per connection; more was not faster

tl::unexpected<error> refuse(errc code, const address& where, std::string_view why) {
  return fail(code, fmt::format("{}: {}", where.name, why));
}

// SQLite alone reports "unable to open database file" for all of these.
result<void> check_path(const address& where, access how) {
  std::error_code ignored;
  auto status = fs::status(where.path, ignored);
  if (fs::is_directory(status)) return refuse(errc::invalid_argument, where, "is a directory");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    return refuse(errc::invalid_argument, where, "is not a regular file");
  }
  // Follows symbolic links as SQLite does: the files beside it are where the target is.
  auto parent = fs::weakly_canonical(fs::absolute(where.path, ignored), ignored).parent_path();
  if (!fs::is_directory(parent, ignored)) {
    return refuse(errc::invalid_argument, where,
                  fmt::format("there is no directory \"{}\"", parent.string()));
  }
  if (how == access::read) return {};
  if (fs::exists(status) && faccessat(AT_FDCWD, where.path.c_str(), W_OK, AT_EACCESS) != 0) {
    return refuse(errc::unavailable, where, "may not be written");
  }
  if (faccessat(AT_FDCWD, parent.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return refuse(errc::unavailable, where,
                  fmt::format("the directory \"{}\" may not be written, where the files -wal and "
                              "-shm must stand beside it",
                              parent.string()));
  }
  return {};
}

// Two processes that do this to a new file at once may get "busy" without waiting for the timeout.
result<void> use_wal(SQLite::Database& db, const address& where) {
  auto deadline = std::chrono::steady_clock::now() + busy_timeout;
  for (;;) {
    try {
      auto mode = db.execAndGet("PRAGMA journal_mode = wal").getString();
      if (mode == "wal") return {};
      return refuse(errc::unavailable, where,
                    fmt::format("the file system cannot do write-ahead logging (mode {})", mode));
    } catch (const SQLite::Exception& why) {
      if (why.getErrorCode() != SQLITE_BUSY || std::chrono::steady_clock::now() > deadline) throw;
    }
    std::this_thread::sleep_for(5ms);
  }
}

}  // namespace

result<std::unique_ptr<journal_database>> open_file(const address& where, access how) {
  if (auto done = check_path(where, how); !done) return fail(done.error());
  if (how != access::create && !fs::exists(where.path)) return nullptr;
  int flags = SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX;  // one thread at a time by contract
  if (how == access::create) flags |= SQLite::OPEN_CREATE;
  return attempt(where.name, "open", [&]() -> result<std::unique_ptr<journal_database>> {
    return std::make_unique<journal_database>(
        where.path, flags, static_cast<int>(busy_timeout.count()), where.choices);
  });
}

result<unsigned> set_up(journal_database& db, const address& where, open_mode mode,
                        const layout& of) {
  if (sqlite3_db_readonly(db.getHandle(), "main") != 0) {
    return refuse(errc::unavailable, where, "may not be written");
  }
  // Checked before any change: a foreign file stays as it is.
  const auto ours = where.with(of);
  const bool makes = mode == open_mode::create && where.choices.tables != opening::existing;
  const bool migrates = makes && where.choices.tables == opening::migrate;
  auto found = [&] {
    const SQLite::Transaction reading{db};  // one consistent view, whatever other processes do
    return usable(db, ours, migrates);
  }();
  if (!found) return found;
  if (*found == 0) {
    if (mode == open_mode::existing) {
      return refuse(errc::unavailable, where, "has lost its tables since it was opened");
    }
    if (!makes) return fail(no_tables(where.name));
    db.exec("PRAGMA page_size = 4096");  // larger pages were slower to write and read
  }
  if (auto done = use_wal(db, where); !done) return fail(std::move(done.error()));
  db.exec(fmt::format(
      "PRAGMA synchronous = {}; PRAGMA wal_autocheckpoint = {}; "
      "PRAGMA journal_size_limit = {}; PRAGMA cache_size = -{}",
      where.synchronous_full ? "full" : "normal", checkpoint_pages, log_bytes_max, cache_kib));
  if (makes) return migrates ? migrate_tables(db, ours) : create_tables(db, ours);
  if (mode == open_mode::create) {
    if (auto done = verify_tables(db, ours); !done) return fail(std::move(done.error()));
  }
  return found;
}

result<std::unique_ptr<journal_database>> open_database(const address& where, open_mode mode) {
  const bool makes = mode == open_mode::create && where.choices.tables != opening::existing;
  auto db = open_file(where, makes ? access::create : access::write);
  if (!db) return db;
  if (*db == nullptr) {
    if (mode == open_mode::create) return fail(no_tables(where.name));
    return refuse(errc::unavailable, where, "has lost its file since it was opened");
  }
  auto found = attempt(where.name, "open", [&] { return set_up(**db, where, mode, today()); });
  if (!found) return fail(std::move(found.error()));
  return db;
}

}}}  // namespace nexus::v0::sqlite
