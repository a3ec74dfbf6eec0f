// A session of a journal in DynamoDB: the calls of the contract, over one client.
//
// Threads: one at a time; `interrupt` from any. Calls block; many requests are in flight at a time.
// Throws: nothing of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "client.hpp"
#include "core.hpp"
#include "documents.hpp"
#include "head.hpp"
#include "nexus/journal.hpp"
#include "packing.hpp"
#include "projections.hpp"
#include "table.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

class dynamodb_session final : public journal_session {
 public:
  explicit dynamodb_session(std::shared_ptr<core> of);

  std::vector<append_outcome> append(std::span<const append_request> requests) override;
  result<settlement> settle(const append_request& request) override;

  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override;
  std::uint32_t strands() const noexcept override { return core_->strands; }
  result<void> read_all(reading_start from, std::size_t max, const journal_sink& sink) override;
  result<position> last(std::uint32_t strand) override;
  /// Reads the index of tags if there is one, and the filter has a tag; else it scans, unless only
  /// the newest event of a strand is wanted.
  result<page_info> query(const event_filter& filter, const event_page& page,
                          const journal_sink& sink) override;
  using journal_session::query;
  result<std::uint64_t> count(const event_filter& filter) override;
  result<std::string> explain(const event_filter& filter) override;

  result<void> save_reader(const stored_reader& reader) override;
  result<std::vector<stored_reader>> readers() override;
  result<void> forget_reader(std::string_view name) override;

  result<sequence_nr> highest(const persistence_id& id) override;
  result<void> erase_to(const persistence_id& id, sequence_nr to, erasing how) override;
  result<void> prune(std::span<const prune_request> requests) override;
  result<std::size_t> prune_held_back(std::size_t max) override;

  result<std::vector<stored_alarm>> due(std::uint32_t strand, const due_filter& which,
                                        std::size_t max) override;
  result<std::optional<stored_alarm>> alarm_of(const persistence_id& id) override;
  result<std::vector<due_type>> due_types(std::uint32_t strand, timestamp until,
                                          std::uint64_t count_max) override;

  result<std::vector<persistence_id>> ids(const id_filter& which, std::size_t max) override {
    return list(listing::events, which, max);
  }
  result<void> save_snapshots(std::span<const snapshot_request> requests) override;
  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id& id,
                                                       snapshot_bounds within) override;
  result<void> erase_snapshots(const persistence_id& id, snapshot_bounds within) override;
  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                    snapshot_bounds within,
                                                    std::size_t max) override;

  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override;
  result<settlement> settle(const upsert_request& request) override;
  result<std::optional<stored_state>> get_state(const persistence_id& id) override;
  result<std::vector<persistence_id>> state_ids(const id_filter& which, std::size_t max) override {
    return list(listing::states, which, max);
  }
  result<void> read_states(position after, std::size_t max, const state_sink& sink) override;

  document_storage* documents() noexcept override { return &documents_; }
  projection_storage* projections() noexcept override { return &projections_; }

  bool broken() const noexcept override { return client_.interrupted(); }
  void interrupt() noexcept override { client_.interrupt(); }

 private:
  [[nodiscard]] std::uint32_t strand(const persistence_id& id) const {
    return strand_of(id.slice(), core_->strands);
  }
  [[nodiscard]] position at(std::uint32_t strand, std::uint64_t n, std::uint64_t i) const {
    return {.epoch = core_->epoch, .strand = strand, .major = n, .minor = i};
  }
  [[nodiscard]] error why_interrupted() const;
  [[nodiscard]] std::optional<error> stopped() const;

  // Heads (heads.cpp):
  [[nodiscard]] result<head> head_now(const persistence_id& id);
  /// What was last known of the id's head; as of a new id otherwise.
  [[nodiscard]] assumption assumed(const persistence_id& id) const;
  void remember(const persistence_id& id, const assumption& seen);
  /// The number is still `seen`: writes of before that assume it fail from now on.
  [[nodiscard]] result<bool> fence(const persistence_id& id, const char* number, const head& seen);
  /// Makes sure that the types of these ids are listed.
  [[nodiscard]] result<void> list_types(listing which, std::span<const persistence_id* const> ids);
  [[nodiscard]] result<std::vector<persistence_id>> list(listing which, const id_filter& filter,
                                                         std::size_t max);

  // Appending (append.cpp):
  struct work;
  struct batch;
  void append_works(std::vector<work>& works, std::vector<append_outcome>& outcomes);
  [[nodiscard]] result<void> find_newest(newest_logs& into, std::span<const std::uint32_t> of);
  [[nodiscard]] batch next_batch(std::uint32_t strand, std::vector<work*>& queue) const;
  [[nodiscard]] request request_of(const batch& one) const;
  void batch_stored(const batch& one, std::vector<append_outcome>& outcomes);
  void batch_refused(const batch& one, const fault& why, std::vector<append_outcome>& outcomes,
                     std::vector<work*>& again);
  [[nodiscard]] append_outcome outcome_of(const fault& why) const;

  // Records (records.cpp):
  struct found_item;
  [[nodiscard]] found_item item_in(const json& item) const;
  /// Passes the records numbered from..to of an item. False: the sink wants no more.
  [[nodiscard]] result<bool> pass(const persistence_id& id, const found_item& item,
                                  sequence_nr from, sequence_nr to,
                                  const std::function<bool(const record_view&)>& sink) const;
  struct reading;
  [[nodiscard]] result<bool> read_round(reading& now);

  // The whole of a strand (whole.cpp):
  struct listed;
  struct listed_page;
  struct whole;
  class by_tag;
  /// The position up to which events were erased. `item` is the mark of the strand; if it is null,
  /// nothing was erased, and the position is (0, 0).
  [[nodiscard]] position mark_in(const json& item, std::uint32_t of) const;
  [[nodiscard]] result<listed_page> list_log(const whole& now);
  [[nodiscard]] result<listed_page> list_tagged(const whole& now);
  [[nodiscard]] result<bool> read_page(whole& now);
  /// The positions of the newest events that are kept, the newest first.
  [[nodiscard]] result<std::vector<position>> newest(std::uint32_t strand, std::size_t count);

  // Erasing (erase.cpp):
  struct strand_state;
  [[nodiscard]] result<strand_state> state_of(std::uint32_t strand);
  [[nodiscard]] result<strand_state> state_of(std::uint32_t strand,
                                              std::span<const json> items) const;
  /// The reader that holds others back; empty: none does.
  [[nodiscard]] result<std::string> erase(const persistence_id& id, sequence_nr to, erasing how);
  [[nodiscard]] result<bool> mark_erased(const persistence_id& id, sequence_nr to,
                                         const position& last, const strand_state& seen);
  [[nodiscard]] result<void> remove_events(const persistence_id& id, sequence_nr to);
  [[nodiscard]] result<void> remove_bare_alarm(const persistence_id& id);
  [[nodiscard]] result<void> leave_to_readers(const persistence_id& id, sequence_nr to);

  // States (states.cpp):
  struct change;
  void upsert_changes(std::vector<change>& changes, std::vector<append_outcome>& outcomes);
  [[nodiscard]] head_update update_of(const change& one, json& others) const;
  [[nodiscard]] request request_of(const change& one) const;
  void state_stored(const change& one, append_outcome& outcome);
  /// The condition of a change has failed, and its head was this. True: it is to be tried again.
  [[nodiscard]] bool state_refused(change& one, const json& item, append_outcome& outcome);

  // Changes of states in order (changes.cpp):
  struct change_batch;
  void upsert_numbered(std::vector<change>& changes, std::vector<append_outcome>& outcomes);
  [[nodiscard]] change_batch next_changes(std::uint32_t strand, std::vector<change*>& queue) const;
  [[nodiscard]] request request_of(const change_batch& one) const;
  void changes_refused(const change_batch& one, const fault& why,
                       std::vector<append_outcome>& outcomes, std::vector<change*>& again);
  struct changed;
  struct reading_changes;
  [[nodiscard]] result<bool> read_changes(reading_changes& now);

  const std::shared_ptr<core> core_;
  client client_;
  table table_;
  kept_back held_;
  dynamodb_documents documents_;
  dynamodb_projections projections_;
  std::unordered_map<std::string, assumption> assumed_;
  std::optional<std::string> only_tag_;  // `read_all` passes items with this tag only
  std::set<std::string> listed_;         // partition and type of what is in a list of types
};

}}}  // namespace nexus::v0::dynamodb
