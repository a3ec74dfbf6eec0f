// Performs what the entity state machine asks for, and does nothing else.
//
// Threads: CAF's scheduler, one message at a time.
#pragma once

#include <memory>
#include <optional>

#include "directory_core.hpp"

namespace nexus::inline v0::detail {

/// Tells an entity to finish and stop, for good.
struct close_message final : message {
  static constexpr std::uint8_t message_kind = 5;
  close_message() : message{message_kind} {}
};

class entity_actor final : public actor, private entity_host {
 public:
  entity_actor(std::shared_ptr<directory_core> in, std::shared_ptr<entity_directory::slot> at,
               persistence_id id);
  ~entity_actor() override;

  void started(const mailbox& self) override { self_ = self; }
  verdict receive(envelope m) override;

 private:
  void dispatch(timestamp now, envelope m, actions& out);
  void written(timestamp now, const envelope& m, actions& out);

  void perform(timestamp now, load a, actions& out);
  void perform(timestamp now, replay a, actions& out);
  void perform(timestamp now, decode_chunk a, actions& out);
  void perform(timestamp now, append a, actions& out);
  void perform(timestamp now, settle a, actions& out);
  void perform(timestamp now, save a, actions& out);
  void perform(timestamp now, release a, actions& out);
  void perform(timestamp now, refuse a, actions& out);
  void perform(timestamp now, run a, actions& out);
  void perform(timestamp now, wait a, actions& out);
  void perform(timestamp now, tell a, actions& out);
  void perform(timestamp now, stopped a, actions& out);

  std::shared_ptr<entity_directory> own_directory() override { return core_; }
  const persistence_id& own_id() const override { return id_; }
  std::shared_ptr<entity_directory> directory_of(std::string_view type) override;
  void unhandled(const entity_call& c, const error& why) override;

  template <class Answer, class F>
  void read(Answer* answer, F f);
  void load_now();
  void watch(timestamp now, actions& out);
  [[nodiscard]] std::unique_ptr<write_job> make_job(write_job::step todo) const;

  const std::shared_ptr<directory_core> core_;
  const std::shared_ptr<entity_directory::slot> slot_;
  const persistence_id id_;
  const std::unique_ptr<entity_model> model_;
  entity_fsm fsm_;
  mailbox self_;
  envelope in_flight_;  // the write_job of the append, kept for settling
  recoveries::ticket turn_;
  std::optional<load> load_due_;        // when it is this entity's turn
  std::uint32_t watched_epoch_ = 0;     // how far the recovery was
  std::uint32_t watched_progress_ = 0;  // when it was looked at last
  bool over_ = false;
};

}
