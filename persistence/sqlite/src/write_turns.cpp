#include "write_turns.hpp"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "journal_file.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

using clock = turn_order::clock;

[[noreturn]] void refuse(int code) { throw SQLite::Exception{sqlite3_errstr(code), code}; }

}  // namespace

std::shared_ptr<write_turns> write_turns::of(const file_id& file) {
  static std::mutex lock;
  static std::map<std::pair<dev_t, ino_t>, std::weak_ptr<write_turns>> all;
  const std::lock_guard guard{lock};
  std::erase_if(all, [](const auto& one) { return one.second.expired(); });
  auto& known = all[{file.device, file.inode}];
  auto turns = known.lock();
  if (!turns) known = turns = std::make_shared<write_turns>();
  return turns;
}

write_turns::turn write_turns::take(taker as, const std::atomic<bool>& interrupted,
                                    std::chrono::milliseconds within) {
  std::unique_lock guard{lock_};
  auto now = clock::now();
  const auto deadline = now + within;
  const auto mine = order_.join(as, now);
  while (!order_.begin(mine, now)) {
    const bool stop = interrupted;
    if (stop || now >= deadline) {
      order_.leave(mine);
      changed_.notify_all();  // it may have been this one's turn
      refuse(stop ? SQLITE_INTERRUPT : SQLITE_BUSY);
    }
    changed_.wait_until(guard, std::min(deadline, order_.changes_at(mine)));
    now = clock::now();
  }
  return turn{shared_from_this()};
}

void write_turns::end() noexcept {
  {
    const std::lock_guard guard{lock_};
    order_.end(clock::now());
  }
  changed_.notify_all();
}

// Under the lock, so that it does not fall between a check of the flag and the wait.
void write_turns::wake() noexcept {
  const std::lock_guard guard{lock_};
  changed_.notify_all();
}

}}}  // namespace nexus::v0::sqlite
