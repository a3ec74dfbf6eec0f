// A session that answers every call with the same error and does nothing: used while the circuit
// breaker is open.
#pragma once

#include <utility>

#include "nexus/document_storage.hpp"
#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 {

class refusing_documents final : public document_storage {
 public:
  explicit refusing_documents(const error& why) : why_{why} {}

  std::string table() const override { return "documents"; }
  result<void> put(std::string_view, std::span<const document_write>,
                   std::span<const std::string>) override {
    return fail(why_);
  }
  result<std::vector<stored_document>> get_many(std::string_view, std::span<const std::string>,
                                                consistency) override {
    return fail(why_);
  }
  result<std::size_t> remove(std::string_view, std::span<const std::string>) override {
    return fail(why_);
  }
  result<void> all(std::string_view, consistency, const document_sink&) override {
    return fail(why_);
  }
  result<std::size_t> remove_all(std::string_view) override { return fail(why_); }
  result<std::optional<std::vector<std::string>>> find(std::string_view,
                                                       std::span<const indexed_value>,
                                                       consistency) override {
    return fail(why_);
  }
  result<std::size_t> reindex(std::string_view, std::span<const std::string>,
                              const document_indexer&) override {
    return fail(why_);
  }

 private:
  const error& why_;
};

class refusing_session final : public journal_session {
 public:
  explicit refusing_session(error why) : why_{std::move(why)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    return {requests.size(), failed{why_}};
  }
  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override {
    return {requests.size(), failed{why_}};
  }
  result<settlement> settle(const append_request&) override { return fail(why_); }
  result<settlement> settle(const upsert_request&) override { return fail(why_); }
  result<void> replay(const persistence_id&, sequence_nr, sequence_nr, std::size_t,
                      const record_sink&) override {
    return fail(why_);
  }
  result<void> read_all(reading_start, std::size_t, const journal_sink&) override {
    return fail(why_);
  }
  result<page_info> query(const event_filter&, const event_page&, const journal_sink&) override {
    return fail(why_);
  }
  result<std::uint64_t> count(const event_filter&) override { return fail(why_); }
  result<std::string> explain(const event_filter&) override { return fail(why_); }
  result<position> last(std::uint32_t) override { return fail(why_); }
  result<void> save_reader(const stored_reader&) override { return fail(why_); }
  result<std::vector<stored_reader>> readers() override { return fail(why_); }
  result<void> forget_reader(std::string_view) override { return fail(why_); }
  result<std::optional<std::string>> held_back() override { return fail(why_); }
  result<sequence_nr> highest(const persistence_id&) override { return fail(why_); }
  result<void> erase_to(const persistence_id&, sequence_nr, erasing) override { return fail(why_); }
  result<std::vector<stored_alarm>> due(std::uint32_t, const due_filter&, std::size_t) override {
    return fail(why_);
  }
  result<std::optional<stored_alarm>> alarm_of(const persistence_id&) override {
    return fail(why_);
  }
  result<std::vector<due_type>> due_types(std::uint32_t, timestamp, std::uint64_t) override {
    return fail(why_);
  }
  result<std::vector<persistence_id>> ids(const id_filter&, std::size_t) override {
    return fail(why_);
  }
  result<void> save_snapshots(std::span<const snapshot_request>) override { return fail(why_); }
  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id&,
                                                       snapshot_bounds) override {
    return fail(why_);
  }
  result<void> erase_snapshots(const persistence_id&, snapshot_bounds) override {
    return fail(why_);
  }
  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id&, snapshot_bounds,
                                                    std::size_t) override {
    return fail(why_);
  }
  result<void> prune(std::span<const prune_request>) override { return fail(why_); }
  result<std::size_t> prune_held_back(std::size_t) override { return fail(why_); }
  result<std::optional<stored_state>> get_state(const persistence_id&) override {
    return fail(why_);
  }
  result<std::vector<persistence_id>> state_ids(const id_filter&, std::size_t) override {
    return fail(why_);
  }
  result<void> read_states(position, std::size_t, const state_sink&) override { return fail(why_); }
  document_storage* documents() noexcept override { return &documents_; }

 private:
  error why_;
  refusing_documents documents_{why_};
};

}}  // namespace nexus::v0
