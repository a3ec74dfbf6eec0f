// A journal that forwards every call to another one. A broken backend overrides only what it
// changes.
#pragma once

#include <memory>
#include <nexus/backend.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace nexus::test {

class forwarding_session : public journal_session {
 public:
  explicit forwarding_session(std::unique_ptr<journal_session> inner) : inner_{std::move(inner)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    return inner_->append(requests);
  }
  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override {
    return inner_->upsert(requests);
  }
  result<settlement> settle(const append_request& r) override { return inner_->settle(r); }
  result<settlement> settle(const upsert_request& r) override { return inner_->settle(r); }
  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    return inner_->replay(id, from, to, max, sink);
  }
  std::uint32_t strands() const noexcept override { return inner_->strands(); }
  result<void> read_all(reading_start from, std::size_t max, const journal_sink& sink) override {
    return inner_->read_all(from, max, sink);
  }
  result<void> save_reader(const stored_reader& r) override { return inner_->save_reader(r); }
  result<std::vector<stored_reader>> readers() override { return inner_->readers(); }
  result<void> forget_reader(std::string_view name) override { return inner_->forget_reader(name); }
  result<sequence_nr> highest(const persistence_id& id) override { return inner_->highest(id); }
  result<void> erase_to(const persistence_id& id, sequence_nr to, erasing how) override {
    return inner_->erase_to(id, to, how);
  }
  result<std::vector<stored_alarm>> due(std::uint32_t strand, const due_filter& which,
                                        std::size_t max) override {
    return inner_->due(strand, which, max);
  }
  result<std::optional<stored_alarm>> alarm_of(const persistence_id& id) override {
    return inner_->alarm_of(id);
  }
  result<std::vector<due_type>> due_types(std::uint32_t strand, timestamp until,
                                          std::uint64_t count_max) override {
    return inner_->due_types(strand, until, count_max);
  }
  result<void> prune(std::span<const prune_request> requests) override {
    return inner_->prune(requests);
  }
  result<std::size_t> prune_held_back(std::size_t max) override {
    return inner_->prune_held_back(max);
  }
  result<std::vector<persistence_id>> ids(const id_filter& which, std::size_t max) override {
    return inner_->ids(which, max);
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
  result<std::optional<stored_state>> get_state(const persistence_id& id) override {
    return inner_->get_state(id);
  }
  result<std::vector<persistence_id>> state_ids(const id_filter& which, std::size_t max) override {
    return inner_->state_ids(which, max);
  }
  result<void> read_states(position after, std::size_t max, const state_sink& sink) override {
    return inner_->read_states(after, max, sink);
  }
  result<position> last(std::uint32_t strand) override { return inner_->last(strand); }
  document_storage* documents() noexcept override { return inner_->documents(); }
  nexus::detail::undo_log& undoes() noexcept override { return inner_->undoes(); }
  projection_storage* projections() noexcept override { return inner_->projections(); }
  bool broken() const noexcept override { return inner_->broken(); }
  void interrupt() noexcept override { inner_->interrupt(); }

 protected:
  journal_session& inner() { return *inner_; }
  const journal_session& inner() const { return *inner_; }

 private:
  std::unique_ptr<journal_session> inner_;
};

/// Its sessions are made by `wrap` from the other's. `wrap` keeps their shared state, which so
/// belongs to the journal object.
class forwarding_journal final : public journal {
 public:
  using wrapping =
      std::function<std::unique_ptr<journal_session>(std::unique_ptr<journal_session>)>;

  forwarding_journal(std::shared_ptr<journal> inner, wrapping wrap)
      : inner_{std::move(inner)}, wrap_{std::move(wrap)} {}

  result<std::unique_ptr<journal_session>> open_session() override {
    auto opened = inner_->open_session();
    if (!opened) return opened;
    return wrap_(std::move(*opened));
  }
  result<std::unique_ptr<journal_watch>> watch() override { return inner_->watch(); }
  journal_limits limits() const override { return inner_->limits(); }
  std::uint32_t strands() const noexcept override { return inner_->strands(); }
  unsigned writers() const override { return inner_->writers(); }
  std::string name() const override { return inner_->name(); }

 private:
  std::shared_ptr<journal> inner_;
  wrapping wrap_;
};

/// `inner` with sessions of type S, made of the other's session and of one Shared per journal
/// object.
template <class S, class Shared>
backend wrapped(backend inner) {
  inner.open = [open = inner.open](const uri& where) -> result<std::shared_ptr<journal>> {
    auto opened = open(where);
    if (!opened) return opened;
    return std::make_shared<forwarding_journal>(
        std::move(*opened),
        [shared = std::make_shared<Shared>()](std::unique_ptr<journal_session> s) {
          return std::make_unique<S>(std::move(s), shared);
        });
  };
  return inner;
}

}  // namespace nexus::test
