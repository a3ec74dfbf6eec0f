#include "journal_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "write_turns.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

// The path of SQLite's log: beside the target of symbolic links.
std::string log_of(sqlite3* db) { return sqlite3_filename_wal(sqlite3_db_filename(db, "main")); }

bool has_moved(sqlite3* db) {
  int moved = 0;
  return sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
         moved != 0;
}

// Without the file's times: a kernel that was asked for them writes finer ones into the inode at the
// next write (multigrain timestamps, Linux 6.13), which added a third to the costs of a commit.
std::optional<file_id> id_at(int folder, const char* path, int flags) noexcept {
  struct statx found {};
  if (::statx(folder, path, flags, STATX_TYPE | STATX_INO, &found) != 0) return std::nullopt;
  return file_id{makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino};
}

}  // namespace

std::optional<file_id> id_of(const std::string& path) noexcept {
  return id_at(AT_FDCWD, path.c_str(), 0);
}

// O_PATH: closing any other descriptor of the file would drop the locks that SQLite has on it.
result<std::shared_ptr<journal_file>> journal_file::of(const std::string& path, std::string name,
                                                       sqlite3* db) {
  const int held = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  const auto id = held < 0 ? std::nullopt : id_at(held, "", AT_EMPTY_PATH);
  if (!id) {
    const int why = errno;
    if (held >= 0) ::close(held);
    return fail(errc::unavailable, fmt::format("{}: cannot read the file's status: {}", name,
                                               std::system_category().message(why)));
  }
  std::shared_ptr<journal_file> made{new journal_file{path, std::move(name), held, *id}};
  made->self_ = made;
  if (has_moved(db)) return fail(made->gone(path, true));
  return made;
}

journal_file::journal_file(std::string path, std::string name, int held, file_id id)
    : path_{std::move(path)},
      name_{std::move(name)},
      held_{held},
      id_{id},
      turns_{write_turns::of(id)} {}

journal_file::~journal_file() { ::close(held_); }

journal_file::share::~share() {
  const std::lock_guard guard{of_->lock_};
  --of_->shares_;
}

std::optional<error> journal_file::trouble() {
  // Under the lock, so that the last connection cannot close, which would remove the -wal,
  // meanwhile.
  const std::lock_guard guard{lock_};
  return looked_at(compare(shares_ > 0 ? &log_ : nullptr, log_id_));
}

result<std::unique_ptr<journal_file::share>> journal_file::join(sqlite3* db) {
  if (auto why = looked_at(compare(nullptr, {}))) return fail(*std::move(why));
  auto log = log_of(db);
  const std::lock_guard guard{lock_};
  const auto found = id_of(log);
  const bool other = shares_ > 0 && (log != log_ || found != log_id_);
  if (!found || other || has_moved(db)) {
    return fail(*looked_at(gone(has_moved(db) ? path_ : log, found.has_value())));
  }
  auto made = std::make_unique<share>(self_.lock(), log, *found);
  log_ = std::move(log);
  log_id_ = *found;
  ++shares_;
  return made;
}

std::optional<error> journal_file::compare(const std::string* log, const file_id& log_id) const {
  const auto file = id_of(path_);
  if (file != id_) return gone(path_, file.has_value());
  if (log == nullptr) return std::nullopt;
  const auto beside = id_of(*log);
  if (beside != log_id) return gone(*log, beside.has_value());
  return std::nullopt;
}

std::optional<error> journal_file::looked_at(std::optional<error> found) noexcept {
  if (found.has_value() != suspect()) suspect_ = found.has_value();
  return found;
}

error journal_file::gone(const std::string& file, bool replaced) const {
  return {
      errc::unavailable,
      fmt::format("{}: the file \"{}\" was {} while it was open, so what is written now would be "
                  "lost: put back that very file, no copy of it, or restart the program",
                  name_, file, replaced ? "replaced" : "removed or moved away")};
}

}}}  // namespace nexus::v0::sqlite
