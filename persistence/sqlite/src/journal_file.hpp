// The file of an open journal, and whether its name still leads to it.
//
// If a file is removed, moved away or replaced while it is open, everything written later is lost,
// and SQLite in WAL mode does not notice. So after a commit the inodes at the names of the database
// and of its -wal are compared with the open ones.
//
// Threads: any. Throws: nothing.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "nexus/result.hpp"

struct sqlite3;

namespace nexus { inline namespace v0 { namespace sqlite {

class write_turns;

struct file_id {
  dev_t device = 0;
  ino_t inode = 0;

  friend bool operator==(const file_id&, const file_id&) = default;
};

/// The file that a name leads to now, through symbolic links; none if there is none.
[[nodiscard]] std::optional<file_id> id_of(const std::string& path) noexcept;

/// Shared by the sessions of one journal.
class journal_file {
 public:
  /// The file that `db` has open as `path`; `name` is for messages. The inode is held from here on,
  /// so that its number is not reused even if no connection is left.
  [[nodiscard]] static result<std::shared_ptr<journal_file>> of(const std::string& path,
                                                                std::string name, sqlite3* db);
  ~journal_file();
  journal_file(const journal_file&) = delete;
  journal_file& operator=(const journal_file&) = delete;

  /// Why commits are lost now; none if all is well.
  [[nodiscard]] std::optional<error> trouble();

  /// Those of the file, also for other journals of this process on it.
  [[nodiscard]] write_turns& turns() const noexcept { return *turns_; }

  /// True after a check failed, until a later check succeeds. Costs next to nothing.
  [[nodiscard]] bool suspect() const noexcept { return suspect_.load(std::memory_order_relaxed); }

  /// The share of a connection. End it before the connection closes, since the last connection to
  /// close removes the -wal.
  class share {
   public:
    share(std::shared_ptr<journal_file> of, std::string log, file_id log_id)
        : of_{std::move(of)}, log_{std::move(log)}, log_id_{log_id} {}
    ~share();
    share(const share&) = delete;
    share& operator=(const share&) = delete;

    /// Like journal_file::trouble, with the -wal that this connection has open. Two calls of stat.
    [[nodiscard]] std::optional<error> trouble() const {
      return of_->looked_at(of_->compare(&log_, log_id_));
    }
    [[nodiscard]] write_turns& turns() const noexcept { return of_->turns(); }

   private:
    const std::shared_ptr<journal_file> of_;
    const std::string log_;
    const file_id log_id_;
  };

  /// For a connection that has just opened the file and read from it.
  [[nodiscard]] result<std::unique_ptr<share>> join(sqlite3* db);

 private:
  journal_file(std::string path, std::string name, int held, file_id id);

  [[nodiscard]] std::optional<error> compare(const std::string* log, const file_id& log_id) const;
  [[nodiscard]] std::optional<error> looked_at(std::optional<error> found) noexcept;
  [[nodiscard]] error gone(const std::string& file, bool replaced) const;

  const std::string path_;
  const std::string name_;
  const int held_;
  const file_id id_;
  const std::shared_ptr<write_turns> turns_;
  std::weak_ptr<journal_file> self_;
  std::atomic<bool> suspect_{false};

  std::mutex lock_;
  std::size_t shares_ = 0;
  std::string log_;  // the -wal that all connections share while there are any
  file_id log_id_;
};

}}}  // namespace nexus::v0::sqlite
