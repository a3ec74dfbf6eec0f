// All messages to an entity's actor, and the kinds by which it distinguishes them.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "entity_fsm.hpp"
#include "nexus/detail/dedicated_sessions.hpp"
#include "nexus/message.hpp"

namespace nexus { inline namespace v0 { namespace detail {

enum class message_kind : std::uint8_t {
  command = 1,  ///< entity_call
  written,      ///< write_job, back from the store
  loaded,
  replayed,
  checked,
  check_due,
  timer,
  timers,
  turn,
  turn_watch,
  session,  ///< for a dedicated connection
  session_late,
  watch,      ///< watch_call
  passivate,  ///< passivation::request
  group,
  alarm,
  close
};

[[nodiscard]] constexpr std::uint8_t number(message_kind k) noexcept {
  return static_cast<std::uint8_t>(k);
}

template <message_kind Kind>
struct message_of : message {
  message_of() noexcept : message{number(Kind)} {}
};

// -- from the storage -------------------------------------------------------------------------

struct load_answer final : message_of<message_kind::loaded> {
  explicit load_answer(std::uint32_t e) : epoch{e} {}
  std::uint32_t epoch;
  result<load_result> what;
};

struct replay_answer final : message_of<message_kind::replayed> {
  explicit replay_answer(replay a) : asked{a} {}
  replay asked;
  result<replay_chunk> what;
};

struct check_answer final : message_of<message_kind::checked> {
  explicit check_answer(std::uint32_t n) : number{n} {}
  std::uint32_t number;
  result<sequence_nr> what;
};

struct session_answer final : message_of<message_kind::session> {
  explicit session_answer(result<session_holder> w) : what{std::move(w)} {}
  result<session_holder> what;
};

// -- from timers ------------------------------------------------------------------------------

struct check_due_message final : message_of<message_kind::check_due> {};

/// The load of this epoch may have waited too long for a session.
struct session_late_message final : message_of<message_kind::session_late> {
  explicit session_late_message(std::uint32_t e) : epoch{e} {}
  std::uint32_t epoch;
};

struct timer_message final : message_of<message_kind::timer> {
  explicit timer_message(std::uint32_t e) : epoch{e} {}
  std::uint32_t epoch;
};

/// A timer of the entity may be due.
struct timers_message final : message_of<message_kind::timers> {};

// -- from recoveries --------------------------------------------------------------------------

/// Tells a waiting ticket that its turn has come.
struct turn_message final : message_of<message_kind::turn> {};

/// Sent once per period to every running turn: check whether anything has moved.
struct turn_watch_message final : message_of<message_kind::turn_watch> {};

// -- from the directory -----------------------------------------------------------------------

/// Tells an entity that another one of its group failed: restart, or stop when no command is on its
/// way.
struct group_message final : message_of<message_kind::group> {
  explicit group_message(bool r) : restart{r} {}
  bool restart;
};

// -- from the waker ---------------------------------------------------------------------------

/// Asks an entity to decide the command of its alarm, if the alarm is due. It is answered once, on
/// any thread, also if the entity stops first: then with `stopped`. An entity that had to recover
/// first says so before, once it has.
class alarm_message final : public message_of<message_kind::alarm> {
 public:
  struct outcome {
    std::optional<timestamp> due{};  ///< as the journal has it now, if `known`
    bool known = false;
    error why{};        ///< what went wrong; without a message: nothing
    bool busy = false;  ///< it has another such message in hand
  };
  using then = std::function<void(const outcome&)>;  ///< must not throw
  using recovered = std::function<void()>;           ///< must not throw

  alarm_message(timestamp at, std::optional<timestamp> due, then f, recovered r)
      : seen_at{at}, found{due}, then_{std::move(f)}, recovered_{std::move(r)} {}
  ~alarm_message() override { answer({.why = {errc::stopped, "the entity stopped first"}}); }

  void answer(const outcome& is) {
    if (auto f = std::exchange(then_, nullptr)) f(is);
  }
  void has_recovered() {
    if (auto f = std::exchange(recovered_, nullptr)) f();
  }

  const timestamp seen_at;               ///< when the waker found it due
  const std::optional<timestamp> found;  ///< the due time that the journal had; none: a sweep asks

 private:
  then then_;
  recovered recovered_;
};

/// Tells an entity to finish and stop for good.
struct close_message final : message_of<message_kind::close> {};

}}}
