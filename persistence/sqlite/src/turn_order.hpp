// Who writes next: the rule by which writers of one process share a SQLite file's only write lock.
//
// Takers of two classes wait: the journal (appends, states, snapshots, erasing) and the program
// (its transactions, projections). Within a class the order is first come, first served. Between
// the classes the time that the lock is held decides:
//  - What the program held is owed to the journal `journal_parts` times, and the journal's turns
//    pay it off. While the journal is owed, the journal goes first. So of a lock that both want all
//    the time the program gets one part in six.
//  - A journal that does not come back within `pause_max` of its last turn is owed nothing more: an
//    idle class keeps no taker waiting.
//  - A taker of the program that has waited for `patience` goes after the journal's next turn, so
//    that every taker gets a turn. The program never has two turns in a row while the journal waits.
//
// A state machine without threads and clock: the caller tells the time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace nexus { inline namespace v0 { namespace sqlite {

enum class taker : std::uint8_t { journal, program };

class turn_order {
 public:
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;
  using duration = clock::duration;
  using ticket = std::uint64_t;

  static constexpr int journal_parts = 5;
  static constexpr duration pause_max = std::chrono::milliseconds{5};
  static constexpr duration patience = std::chrono::seconds{2};

  [[nodiscard]] ticket join(taker of, time_point now);
  /// Gives up waiting.
  void leave(ticket waiting);

  /// True if it is this one's turn, which has begun then.
  [[nodiscard]] bool begin(ticket waiting, time_point now);
  void end(time_point now);

  /// When `begin` may become true without another call; max() if never.
  [[nodiscard]] time_point changes_at(ticket waiting) const;

 private:
  struct waiter {
    ticket id;
    time_point since;
  };
  std::deque<waiter>& queue(taker of) { return waiting_[static_cast<std::size_t>(of)]; }
  [[nodiscard]] const std::deque<waiter>& queue(taker of) const {
    return waiting_[static_cast<std::size_t>(of)];
  }
  [[nodiscard]] bool has_waited(time_point now) const;
  [[nodiscard]] std::optional<taker> next(time_point now) const;

  std::array<std::deque<waiter>, 2> waiting_;
  ticket last_ticket_ = 0;
  std::optional<taker> holder_;
  taker last_ = taker::journal;       // holder
  time_point begun_{};                // of the turn
  time_point journal_left_{};         // the end of its last turn
  duration owed_ = duration::zero();  // to the journal
};

}}}  // namespace nexus::v0::sqlite
