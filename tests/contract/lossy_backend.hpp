// A backend whose sessions lose answers when told to, and otherwise do what the one inside does.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "nexus/backend.hpp"

namespace nexus::test {

class lossy_session final : public journal_session {
 public:
  explicit lossy_session(std::unique_ptr<journal_session> inner) : inner_{std::move(inner)} {}

  enum class loss { none, of_the_answer, of_the_request };
  void lose_next(loss what) { next_ = what; }

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    return unless_lost(requests, [&] { return inner_->append(requests); });
  }
  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override {
    return unless_lost(requests, [&] { return inner_->upsert(requests); });
  }

  result<settlement> settle(const append_request& request) override {
    return inner_->settle(request);
  }
  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    return inner_->replay(id, from, to, max, sink);
  }
  result<sequence_nr> highest(const persistence_id& id) override { return inner_->highest(id); }
  result<void> erase_to(const persistence_id& id, sequence_nr to) override {
    return inner_->erase_to(id, to);
  }
  result<std::vector<persistence_id>> ids(std::string_view type, std::string_view after,
                                          std::size_t max) override {
    return inner_->ids(type, after, max);
  }
  result<void> save_snapshots(std::span<const snapshot_request> requests) override {
    return inner_->save_snapshots(requests);
  }
  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id& id,
                                                       snapshot_bounds within) override {
    return inner_->load_snapshot(id, within);
  }
  result<void> erase_snapshots(const persistence_id& id, snapshot_bounds within) override {
    return inner_->erase_snapshots(id, within);
  }

  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                    snapshot_bounds within,
                                                    std::size_t max) override {
    return inner_->snapshot_numbers(id, within, max);
  }
  result<void> prune(std::span<const prune_request> requests) override {
    return inner_->prune(requests);
  }
  result<settlement> settle(const upsert_request& request) override {
    return inner_->settle(request);
  }
  result<std::optional<stored_state>> get_state(const persistence_id& id) override {
    return inner_->get_state(id);
  }
  result<std::vector<persistence_id>> state_ids(std::string_view type, std::string_view after,
                                                std::size_t max) override {
    return inner_->state_ids(type, after, max);
  }

 private:
  template <class Requests, class Write>
  std::vector<append_outcome> unless_lost(Requests requests, Write write) {
    auto lost = std::exchange(next_, loss::none);
    if (lost == loss::none) return write();
    if (lost == loss::of_the_answer) (void)write();
    return {requests.size(), unknown{{errc::unavailable, "connection lost"}}};
  }

  std::unique_ptr<journal_session> inner_;
  loss next_ = loss::none;
};

class lossy_journal final : public journal {
 public:
  explicit lossy_journal(std::shared_ptr<journal> inner) : inner_{std::move(inner)} {}

  result<std::unique_ptr<journal_session>> open_session() override {
    return inner_->open_session().map([](std::unique_ptr<journal_session> session) {
      return std::unique_ptr<journal_session>{std::make_unique<lossy_session>(std::move(session))};
    });
  }
  journal_limits limits() const override { return inner_->limits(); }
  std::string name() const override { return inner_->name(); }

 private:
  std::shared_ptr<journal> inner_;
};

inline backend lossy(backend inner) {
  inner.open = [open = std::move(inner.open)](const uri& where) {
    return open(where).map([](std::shared_ptr<journal> opened) {
      return std::shared_ptr<journal>{std::make_shared<lossy_journal>(std::move(opened))};
    });
  };
  return inner;
}

}  // namespace nexus::test
