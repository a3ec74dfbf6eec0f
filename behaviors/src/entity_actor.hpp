// Performs the actions of the entity state machine, and nothing else.
//
// Threads: CAF's scheduler, one message at a time.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "directory_core.hpp"
#include "nexus/detail/write_job.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class entity_actor final : public actor, private entity_host {
 public:
  entity_actor(std::shared_ptr<directory_core> in, std::shared_ptr<entity_directory::slot> at);
  ~entity_actor() override;

  void started(const mailbox& self) override { self_ = self; }
  verdict receive(envelope m) override;

 private:
  verdict handle(envelope m);
  void dispatch(const moment& now, envelope m, actions& out);
  void written(const moment& now, const envelope& m, actions& out);
  void tell_saved(const moment& now, const write_job& job, actions& out);

  void perform(const moment& now, load a, actions& out);
  void perform(const moment& now, replay a, actions& out);
  void perform(const moment& now, decode_chunk a, actions& out);
  void perform(const moment& now, append a, actions& out);
  void perform(const moment& now, settle a, actions& out);
  void perform(const moment& now, save a, actions& out);
  void perform(const moment& now, release a, actions& out);
  void perform(const moment& now, refuse a, actions& out);
  void perform(const moment& now, discard a, actions& out);
  void perform(const moment& now, run a, actions& out);
  void perform(const moment& now, wait a, actions& out);
  void perform(const moment& now, read_highest a, actions& out);
  void perform(const moment& now, tell a, actions& out);
  void perform(const moment& now, due_stored a, actions& out);
  void perform(const moment& now, alarm_seen a, actions& out);
  void perform(const moment& now, stopped a, actions& out);

  std::shared_ptr<entity_directory> own_directory() override { return core_; }
  const persistence_id& own_id() const override { return slot_->id; }
  std::shared_ptr<entity_directory> directory_of(std::string_view type) override;
  result<void> set_timer(timer_wish wish) override;
  void cancel_timer(std::string_view key) override;
  void unhandled(const entity_call& c, const error& why) override;
  void chain_threw(const entity_call& c, const error& why) noexcept override;
  void question_sent() noexcept override { ++questions_; }

  template <class Answer, class F>
  void read(Answer* answer, F f);
  [[nodiscard]] recoveries::ticket ask_for_turn(std::uint32_t epoch);
  void write_out(const envelope& job);
  bool has_session(load a);
  void take_session(const moment& now, result<session_holder> got, actions& out);
  void look_after_session(const moment& now, std::uint32_t epoch, actions& out);
  void load_now();
  void passivate(const moment& now, const passivation::request& asked, actions& out);
  void take_command(const moment& now, envelope m, actions& out);
  void take_alarm(const moment& now, envelope m, actions& out);
  void alarm_over(const error* why, bool failed);
  void leave_if_woken(const moment& now, actions& out);
  void take_timers(const moment& now, actions& out);
  void look_after_timers();
  void keep_watcher(envelope m);
  void begin_check(const moment& now, std::uint32_t number);
  void look_after_check(const moment& now, actions& out);
  void give_up(const std::string& why) noexcept;
  void over(const entity_call& c, const error* why);
  void tell_watchers(ending why);
  void count_ending(ending why);
  void show_rest(std::uint64_t on_their_way);
  void look_after_recovery(const moment& now, actions& out);
  [[nodiscard]] std::unique_ptr<write_job> make_job(write_job::step todo) const;

  // Needed only in a recovery, so that an idle entity does not pay for it.
  struct recovery_turn {
    recoveries::ticket ticket;
    std::optional<load> due{};           // waits for this entity's turn
    std::uint32_t begins = 0;            // the epoch of the load that the turn begins by itself
    std::uint32_t watched_epoch = 0;     // progress at the last look:
    std::uint32_t watched_progress = 0;  // epoch and count
    steady_time begun{};
  };

  // Of an entity with a dedicated connection.
  struct own_session {
    own_session() = default;
    ~own_session() { cancel.request_stop(); }
    own_session(const own_session&) = delete;
    own_session& operator=(const own_session&) = delete;

    session_holder is{};
    bool asked = false;           // and not answered yet
    std::optional<load> waits{};  // for the answer
    std::stop_source cancel{};
  };

  const std::shared_ptr<directory_core> core_;
  const std::shared_ptr<entity_directory::slot> slot_;
  const std::unique_ptr<entity_model> model_;
  entity_fsm fsm_;
  mailbox self_;
  envelope in_flight_;  // the write_job of the append in flight, kept for settling
  envelope alarm_;      // the alarm_message that is not answered yet
  std::unique_ptr<own_session> session_;
  std::unique_ptr<recovery_turn> turn_;
  std::unique_ptr<std::vector<envelope>> watchers_;
  std::size_t watchers_swept_at_ = 16;
  steady_time check_begun_{};
  std::uint32_t questions_ = 0;  // to other entities, whose answers have not come
  std::uint32_t check_ = 0;      // the number of the running read of the highest number; 0: none
  bool check_watched_ = false;   // its timer runs: one at a time
  passivation::reason leaving_for_ = passivation::reason::idle;
  bool leaving_ = false;        // asked to passivate, and doing so
  bool asked_in_vain_ = false;  // to passivate, and nothing has come since
  bool woken_ = false;          // started by the waker, and no command has come since
  bool over_ = false;
  bool parked_ = false;  // as the slot shows
  bool paused_ = false;  // as the slot shows
  bool kept_ = false;    // as the slot shows
};

}}}
