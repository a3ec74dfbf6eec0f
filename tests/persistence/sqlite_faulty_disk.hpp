// A SQLite VFS over the default one. Writes and syncs of the log fail on demand and are counted,
// and waiting for a lock takes no time. Registered once as the default; every later connection uses
// it.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <functional>

namespace faulty_disk {

inline std::atomic<int> syncs{0};                    ///< of a log, including failed ones
inline std::atomic<int> syncs_to_fail{0};            ///< the next syncs of a log, this many, fail
inline std::atomic<bool> log_full{false};            ///< writes to a log find no space
inline std::atomic<int> room{-1};                    ///< bytes that fit into a log; -1: any number
inline std::atomic<int> room_after_failed_sync{-1};  ///< `room` after the next failed sync
inline std::function<void()> on_wait;  ///< called instead of sleeping before a lock is retried

struct file {
  sqlite3_file base;
  bool is_log;
  sqlite3_file* real;
};

inline file* of(sqlite3_file* f) { return reinterpret_cast<file*>(f); }
inline sqlite3_file* real(sqlite3_file* f) { return of(f)->real; }
inline sqlite3_vfs* below = nullptr;

inline void heal() {
  syncs_to_fail = 0;
  log_full = false;
  room = room_after_failed_sync = -1;
  on_wait = nullptr;
}

inline int write(sqlite3_file* f, const void* data, int size, sqlite3_int64 at) {
  if (of(f)->is_log && log_full) return SQLITE_FULL;
  if (of(f)->is_log && room >= 0) {
    const int part = size < room ? size : room.load();
    room -= part;
    const int code = part == 0 ? SQLITE_OK : real(f)->pMethods->xWrite(real(f), data, part, at);
    return code == SQLITE_OK && part < size ? SQLITE_FULL : code;
  }
  return real(f)->pMethods->xWrite(real(f), data, size, at);
}

inline int sync(sqlite3_file* f, int flags) {
  if (of(f)->is_log) {
    ++syncs;
    if (syncs_to_fail > 0) {
      --syncs_to_fail;
      if (room_after_failed_sync >= 0) room = room_after_failed_sync.load();
      return SQLITE_IOERR_FSYNC;
    }
  }
  return real(f)->pMethods->xSync(real(f), flags);
}

inline int sleep(sqlite3_vfs*, int micros) {
  if (!on_wait) return below->xSleep(below, micros);
  on_wait();
  return micros;  // SQLite adds these up until its timeout
}

inline const sqlite3_io_methods* methods() {
  using F = sqlite3_file;
  static const sqlite3_io_methods m = [] {
    sqlite3_io_methods made{};
    made.iVersion = 2;  // shared memory, no mapping
    made.xClose = [](F* f) { return real(f)->pMethods->xClose(real(f)); };
    made.xRead = [](F* f, void* d, int n, sqlite3_int64 at) {
      return real(f)->pMethods->xRead(real(f), d, n, at);
    };
    made.xWrite = write;
    made.xTruncate = [](F* f, sqlite3_int64 n) { return real(f)->pMethods->xTruncate(real(f), n); };
    made.xSync = sync;
    made.xFileSize = [](F* f, sqlite3_int64* n) {
      return real(f)->pMethods->xFileSize(real(f), n);
    };
    made.xLock = [](F* f, int l) { return real(f)->pMethods->xLock(real(f), l); };
    made.xUnlock = [](F* f, int l) { return real(f)->pMethods->xUnlock(real(f), l); };
    made.xCheckReservedLock = [](F* f, int* r) {
      return real(f)->pMethods->xCheckReservedLock(real(f), r);
    };
    made.xFileControl = [](F* f, int op, void* arg) {
      return real(f)->pMethods->xFileControl(real(f), op, arg);
    };
    made.xSectorSize = [](F* f) { return real(f)->pMethods->xSectorSize(real(f)); };
    made.xDeviceCharacteristics = [](F* f) {
      return real(f)->pMethods->xDeviceCharacteristics(real(f));
    };
    made.xShmMap = [](F* f, int region, int size, int extend, void volatile** at) {
      return real(f)->pMethods->xShmMap(real(f), region, size, extend, at);
    };
    made.xShmLock = [](F* f, int offset, int n, int flags) {
      return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
    };
    made.xShmBarrier = [](F* f) { real(f)->pMethods->xShmBarrier(real(f)); };
    made.xShmUnmap = [](F* f, int del) { return real(f)->pMethods->xShmUnmap(real(f), del); };
    return made;
  }();
  return &m;
}

inline int open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out) {
  auto* made = of(f);
  made->base.pMethods = nullptr;
  made->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  made->real = reinterpret_cast<sqlite3_file*>(made + 1);
  std::memset(made->real, 0, static_cast<std::size_t>(below->szOsFile));
  int code = below->xOpen(below, name, made->real, flags, out);
  if (made->real->pMethods != nullptr) made->base.pMethods = methods();
  return code;
}

inline void install() {
  if (below != nullptr) return;
  below = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs vfs = *below;
  vfs.zName = "faulty";
  vfs.szOsFile = static_cast<int>(sizeof(file)) + below->szOsFile;
  vfs.xOpen = open;
  vfs.xSleep = sleep;
  sqlite3_vfs_register(&vfs, 1);
}

}  // namespace faulty_disk
