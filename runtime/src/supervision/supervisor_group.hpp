// The state shared by a supervisor and its actors: the members, and the handling of failures. Knows
// CAF's actors only by their mailboxes.
//
// Threads: any. One group is locked at a time, and user code never runs under a lock.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>

#include "nexus/actor.hpp"
#include "nexus/dead_letters.hpp"
#include "nexus/shutdown.hpp"
#include "nexus/supervisor.hpp"

namespace nexus { inline namespace v0 {

/// An order of the group to one of its actors.
struct supervision_order final : message {
  explicit supervision_order(measure m) : message{0}, what{m} {}
  const measure what;
};

class supervision_group final : public shutdown_participant,
                                public std::enable_shared_from_this<supervision_group> {
 public:
  using time_point = failure_record::time_point;

  supervision_group(std::string name, supervision how, std::shared_ptr<supervision_group> parent,
                    dead_letters letters, std::uint64_t seed);

  /// The actors and groups of one parent share one set of names.
  [[nodiscard]] result<void> join_parent();
  void leave_parent();

  /// Refuses new members from now on, with `why` unless there was an earlier reason.
  void close(error why);
  [[nodiscard]] result<void> status() const;

  /// Calls `start` if an actor of that name may join.
  [[nodiscard]] result<void> add(const std::string& name, const std::function<mailbox()>& start);

  /// A member failed. Returns the measure for it; other members are told here, if the measure
  /// concerns them.
  [[nodiscard]] measure failed(const std::string& name, const failure& what, time_point now);

  /// An actor has ended.
  void gone(const std::string& name);

  /// A message to an actor was not delivered.
  void lost(const std::string& name, error why) noexcept;

  void stop_all();
  void wait_until_empty();
  [[nodiscard]] bool empty() const;

  [[nodiscard]] std::vector<std::string> children() const;
  [[nodiscard]] supervision_counts counts() const noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // shutdown_participant. Messages in CAF's mailboxes cannot be counted, so it does not wait for
  // them.
  [[nodiscard]] stage of() const override { return stage::work; }
  [[nodiscard]] std::string name() const override { return "supervisor " + path_; }
  [[nodiscard]] std::string parent() const override { return parent_ ? parent_->name() : ""; }
  void stop_admitting() override { close({errc::stopped, name() + ": the system shuts down"}); }
  [[nodiscard]] bool is_quiet() override { return true; }
  [[nodiscard]] std::uint64_t admitted() override { return 0; }
  void stop() override { stop_all(); }
  [[nodiscard]] std::vector<std::string> remaining() override;

 private:
  struct member {
    mailbox to;                              // of an actor
    std::weak_ptr<supervision_group> below;  // or a group
    failure_record record{};
  };

  [[nodiscard]] measure escalated(const std::string& name, const failure& what, time_point now);
  [[nodiscard]] measure carry_out(measure m, const std::string& but);
  void tell(measure m, const std::string& but);
  void told(measure m);
  void count(directive d, std::uint64_t n);

  const std::string name_;
  const std::string path_;
  const supervision how_;
  const std::shared_ptr<supervision_group> parent_;
  dead_letters letters_;

  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::map<std::string, member, std::less<>> members_;
  failure_record together_;  // of all_for_one
  std::mt19937_64 random_;
  result<void> status_;

  std::atomic<std::uint64_t> restarts_{0};
  std::atomic<std::uint64_t> resumes_{0};
  std::atomic<std::uint64_t> stops_{0};
  std::atomic<std::uint64_t> escalations_{0};
};

}}  // namespace nexus::v0
