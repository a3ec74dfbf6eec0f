// The file: a line that says what it is and names its numbering, and frames: size (4 bytes), checksum (8 bytes), entries.
//
// Threads: one at a time. Throws: nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <msgpack.hpp>
#include <nexus/result.hpp>
#include <string>
#include <string_view>
#include <vector>

/// One change; each kind uses the fields it needs.
struct entry {
  enum kind : std::uint8_t {
    event,
    erase_events,
    snapshot,
    erase_snapshots,
    state,
    mark,
    reader,
    forget_reader,
    prune,
    prune_held_back,
    alarm
  };

  std::uint8_t of = mark;
  std::string id{};  ///< or the name of the reader
  std::uint64_t number =
      0;  ///< of the event or snapshot; the version; the highest; the last one erased; how many
  std::uint64_t from = 0;  ///< the first one erased; the version before; the first snapshot kept
  bool erased = false;     ///< a state's tombstone; whether events were erased by force
  std::string writer{};
  std::string type{};
  std::uint32_t schema_version = 0;
  std::string codec{};
  std::string data{};
  std::string metadata{};
  std::int64_t micros = 0;
  std::vector<std::string> tags{};
  std::uint8_t due = 0;  ///< what becomes of the alarm: a nexus::due_change::kind
  std::int64_t due_micros = 0;

  MSGPACK_DEFINE(of, id, number, from, erased, writer, type, schema_version, codec, data, metadata,
                 micros, tags, due, due_micros)
};

class log_file {
 public:
  using sync_function = std::function<int(int)>;

  /// Makes the file if needed; `foreign_schema`, `newer_schema`, or `unavailable`.
  static nexus::result<std::unique_ptr<log_file>> open(const std::string& path, sync_function sync);
  ~log_file();
  log_file(const log_file&) = delete;
  log_file& operator=(const log_file&) = delete;

  /// Keeps other processes, and other objects of this one, from writing, or also from reading.
  class lock {
   public:
    lock(log_file& file, bool exclusive);
    ~lock();
    lock(const lock&) = delete;
    lock& operator=(const lock&) = delete;

   private:
    int fd_;
  };

  /// Passes what was committed since the last call. Under a lock. An incomplete frame of a killed
  /// writer is skipped, and overwritten by the next one.
  nexus::result<void> catch_up(const std::function<void(const entry&)>& apply);

  /// Makes `entries` durable as one frame; under an exclusive lock, after catch_up. `in_doubt`: they
  /// may be there after a crash, although this is an error.
  nexus::result<void> commit(const std::vector<entry>& entries, bool& in_doubt);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// The numbering of the file's positions: made at random with the file, never 0.
  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] nexus::error trouble(nexus::errc code, std::string_view why) const;

 private:
  log_file(int fd, std::string name, sync_function sync)
      : fd_{fd}, name_{std::move(name)}, sync_{std::move(sync)} {}

  nexus::result<void> check_header();
  nexus::result<std::string> bytes(std::uint64_t offset, std::size_t size) const;
  [[nodiscard]] nexus::error system_trouble(std::string_view doing) const;

  int fd_;
  std::string name_;
  sync_function sync_;
  std::uint64_t epoch_ = 0;
  std::uint64_t end_ = 0;  // of the frames that were passed
};
