// The simulated behavior as the state machine sees it: a model and its calls.
#pragma once

#include "alarm_mirror.hpp"
#include "command_mirror.hpp"
#include "history.hpp"
#include "storage_mirror.hpp"

namespace nexus::simulation {

/// One machine's part of a run: its model and calls report to it.
struct witness {
  surroundings& all;
  command_mirror commands;
  storage_mirror storage;
  alarm_mirror alarms;
};

class sim_model final : public d::entity_model {
 public:
  explicit sim_model(witness& w) : witness_{w} {}

  void reset() override {
    now = {};
    due_.reset();
  }
  result<void> restore(const stored_snapshot& from) override;
  result<void> replay(const event_view& event) override;
  result<stored_snapshot> encode_snapshot() const override;
  envelope recovered_call() override;
  bool has_alarm() const noexcept override { return witness_.all.planned.wakes != alarms::none; }
  result<void> look_at_alarm() override;
  result<envelope> alarm_call() override;
  bool is_process() const noexcept override {
    return witness_.all.planned.recovered != on_recovered::nothing;
  }

  /// After events.
  void wakes() { due_ = due_now(); }

  state now{};

 private:
  [[nodiscard]] std::optional<timestamp> due_now() const;
  [[nodiscard]] bool alarm_fails();

  witness& witness_;
  mutable std::uint64_t encoded_ = 0;
};

class sim_call final : public d::entity_call, public d::answer_slot<state> {
 public:
  /// `id` is 0 for the command of on_recovered.
  sim_call(witness& w, command_id id, const command& what) : witness_{&w}, id_{id}, what_{what} {
    size_bytes = what.bytes;
    header.command_id = writer_named(id);
    counted = id != 0;
  }
  /// The command that the alarm of `named_by` names.
  sim_call(witness& w, const wake& what, const state& named_by)
      : witness_{&w}, id_{of_alarm}, named_by_{named_by}, wake_{what} {
    size_bytes = what.after.bytes;
    counted = false;
    alarm = true;
  }

  d::decision decide(d::entity_model& model, const context& c, const d::decision_limits& limits,
                     d::event_batch& out) noexcept override;
  void finish(const d::entity_model& model, d::entity_host& host) noexcept override;

  [[nodiscard]] command_id id() const noexcept { return id_; }
  [[nodiscard]] bool of_caller() const noexcept { return counted; }
  [[nodiscard]] const error* refusal() const noexcept override {
    return answer && !*answer ? &answer->error() : nullptr;
  }
  [[nodiscard]] const d::decision& last() const noexcept { return last_; }

 private:
  void set_error(error why) noexcept override { answer.emplace(tl::unexpected<error>(why)); }
  d::decision take(const verdict& v, sim_model& model, const d::decision_limits& limits,
                   d::event_batch& out);
  bool process_fails(sim_model& m);

  witness* witness_;
  command_id id_;
  command what_{};
  state named_by_{};
  wake wake_{};
  d::decision last_{};
};

}
