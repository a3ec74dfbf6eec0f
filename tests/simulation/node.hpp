// One system on the journal: the surroundings of the state machine (gate, mailbox, timers,
// stopping), in virtual time and without threads. Does the work of entity_actor, entity_slot and
// the directory.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "entity.hpp"

namespace nexus::simulation {

class node final : public d::entity_host {
 public:
  /// Called for each finished command, and for each firing of an alarm.
  struct listeners {
    std::function<void(const fate&)> answered;
    /// `seen`: no command was decided, and the entity says that `due` is stored.
    std::function<void(std::uint64_t firing, bool seen, std::optional<timestamp> due)> alarm_over;
  };

  node(std::uint32_t number, surroundings& s, model_journal& journal, listeners to);
  ~node() override;

  [[nodiscard]] bool up() const noexcept { return up_; }
  [[nodiscard]] bool serves() const noexcept { return up_ && !closing_; }

  /// Sends a command; its fate exists already.
  void send(command_id id);

  /// Asks for the alarm, as `firing`; at `seen_at` the journal had `due`.
  void fire(std::uint64_t firing, timestamp seen_at, std::optional<timestamp> due);

  void crash();
  void close();
  void passivate(bool only_now);
  void restart();
  /// Starts as a new writer, after a crash or a close.
  void start();

  /// Nothing is left: no command and no count.
  void check_empty();

  /// The writer of its appends.
  [[nodiscard]] ulid writer() const { return writer_named(number_ + 2 + 16 * writers_); }

  /// The highest state that it has shown to a caller.
  [[nodiscard]] std::uint64_t shown() const noexcept { return shown_; }

  // entity_host
  std::shared_ptr<d::entity_directory> own_directory() override { return nullptr; }
  const persistence_id& own_id() const override { return id_; }
  std::shared_ptr<d::entity_directory> directory_of(std::string_view) override { return nullptr; }
  result<void> set_timer(d::timer_wish) override { return {}; }
  void cancel_timer(std::string_view) override {}
  void unhandled(const d::entity_call&, const error&) override {}

 private:
  using input =
      std::variant<envelope, d::loaded, d::replayed, d::appended, d::settle_answered,
                   d::snapshot_saved, d::wait_over, d::recovery_stalled, d::passivate_asked,
                   d::restart_asked, d::highest_checked, d::alarm_due, d::close_asked>;
  struct incarnation;

  [[nodiscard]] d::moment now() const;
  void begin_incarnation();
  void post(std::uint64_t to, input what);
  void arrive(input what);
  void wake();
  void turn();
  void dispatch(input what);
  void follow(const input& what);
  [[nodiscard]] bool comes_late(const input& what) const;
  void follow_check(const d::highest_checked& what);
  void check_rest(bool after_append);
  void leave_if_woken();
  void release_alarm(const sim_call& call);
  void alarm_over(bool seen);
  void perform_all(const d::moment& now);
  void watch(std::uint64_t of, std::uint32_t epoch, std::uint32_t progress);

  void perform(const d::moment& now, d::load& a);
  void perform(const d::moment& now, d::replay& a);
  void perform(const d::moment& now, d::decode_chunk& a);
  void perform(const d::moment& now, d::append& a);
  void perform(const d::moment& now, d::settle& a);
  void perform(const d::moment& now, d::save& a);
  void perform(const d::moment& now, d::release& a);
  void perform(const d::moment& now, d::refuse& a);
  void perform(const d::moment& now, d::discard& a);
  void perform(const d::moment& now, d::run& a);
  void perform(const d::moment& now, d::wait& a);
  void perform(const d::moment& now, d::read_highest& a);
  void perform(const d::moment& now, d::tell& a);
  void perform(const d::moment& now, d::due_stored& a);
  void perform(const d::moment& now, d::alarm_seen& a);
  void perform(const d::moment& now, d::stopped& a);

  void give_answer(fate& f, fate::answer is, errc code = {});
  void check_shown(const fate& f);
  void check_refusal(const fate& f, const error& why);
  void check_retries(const fate& f);
  void end_incarnation();
  void line(const std::string& text);

  const std::uint32_t number_;
  surroundings& s_;
  model_journal& journal_;
  listeners to_;
  const persistence_id id_;
  random choices_;
  bool up_ = true;
  bool closing_ = false;
  bool gate_open_ = false;
  bool turning_ = false;
  bool ran_ = false;  // a chain ran in this turn
  std::uint32_t writers_ = 0;
  std::uint64_t incarnations_ = 0;
  std::uint64_t on_its_way_ = 0;  // the count at the gate
  std::uint64_t shown_ = 0;
  vtime last_arrival_ = 0;
  std::deque<command_id> outstanding_;
  std::deque<input> mailbox_;
  std::uint64_t firing_ = 0;     // not answered yet; 0: none
  bool firing_arrived_ = false;  // at the entity
  std::unique_ptr<incarnation> live_;
  d::actions out_;
};

}
