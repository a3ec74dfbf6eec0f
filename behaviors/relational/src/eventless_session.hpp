// A journal session of rows: it has states, and neither events nor snapshots.
//
// Threads: as a session.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class eventless_session : public journal_session {
 public:
  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    return std::vector<append_outcome>(requests.size(), rejected{no_events().value()});
  }
  result<settlement> settle(const append_request& /*request*/) override { return no_events(); }
  result<void> replay(const persistence_id& /*id*/, sequence_nr /*from*/, sequence_nr /*to*/,
                      std::size_t /*max*/, const record_sink& /*sink*/) override {
    return {};
  }
  result<void> read_all(reading_start /*from*/, std::size_t /*max*/,
                        const journal_sink& /*sink*/) override {
    return {};
  }
  result<void> save_reader(const stored_reader& /*reader*/) override { return no_events(); }
  result<std::vector<stored_reader>> readers() override { return std::vector<stored_reader>{}; }
  result<void> forget_reader(std::string_view /*name*/) override { return {}; }
  result<sequence_nr> highest(const persistence_id& /*id*/) override { return sequence_nr{}; }
  result<void> erase_to(const persistence_id& /*id*/, sequence_nr /*to*/,
                        erasing /*how*/) override {
    return no_events();
  }
  result<std::vector<persistence_id>> ids(const id_filter& /*which*/,
                                          std::size_t /*max*/) override {
    return std::vector<persistence_id>{};
  }
  result<void> save_snapshots(std::span<const snapshot_request> /*requests*/) override {
    return no_events();
  }
  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id& /*id*/,
                                                       snapshot_bounds /*within*/) override {
    return std::optional<stored_snapshot>{};
  }
  result<void> erase_snapshots(const persistence_id& /*id*/, snapshot_bounds /*within*/) override {
    return {};
  }
  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& /*id*/,
                                                    snapshot_bounds /*within*/,
                                                    std::size_t /*max*/) override {
    return std::vector<sequence_nr>{};
  }
  result<void> prune(std::span<const prune_request> /*requests*/) override { return {}; }
  result<std::size_t> prune_held_back(std::size_t /*max*/) override { return std::size_t{}; }
  result<void> read_states(position /*after*/, std::size_t /*max*/,
                           const state_sink& /*sink*/) override {
    return not_listed();
  }

 private:
  static tl::unexpected<error> no_events() {
    return fail(errc::invalid_argument, "relational entities have no events");
  }
  static tl::unexpected<error> not_listed() {
    return fail(errc::invalid_argument,
                "relational entities are rows: list them with a mapper or with SQL");
  }
};

}}}  // namespace nexus::v0::detail
