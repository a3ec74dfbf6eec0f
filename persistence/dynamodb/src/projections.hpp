// Offsets of projections in the journal's table. The cells of a strand are one item with a revision:
// a change reads it, and writes it back on the condition that the revision is the same. Calls that
// change several strands are atomic for each of them.
//
//   p#VERSION#NAME   !          r: what it reads, q: it is paused
//                    cSTRAND    r: revision, d: the cells, packed
//                    fID...     an event that was skipped
//   pt               NAME...    every version
//
// Threads: those of the session. Throws: nothing. Failures: those of the session; `unavailable` if
// others change the cells all the time.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core.hpp"
#include "kept_back.hpp"
#include "nexus/projection_storage.hpp"
#include "table.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// The item of a strand's cells.
[[nodiscard]] item_key cells_at(const projection_version& of, std::uint32_t strand);

class dynamodb_projections final : public projection_storage {
 public:
  dynamodb_projections(table& in, core& of, kept_back& held) : table_{in}, core_{of}, held_{held} {}

  result<std::string> declare(const projection_version& of, std::string_view reads) override;
  result<void> add(const projection_version& of, std::span<const projection_cell> cells) override;
  result<std::vector<projection_cell>> cells(const projection_version& of) override;
  result<std::uint64_t> advance(const projection_version& of, std::string_view owner,
                                const projection_move& move) override;
  result<std::vector<std::uint64_t>> advance_all(const projection_version& of,
                                                 std::string_view owner,
                                                 std::span<const projection_move> moves) override;
  result<bool> give(const projection_version& of, const projection_cell& seen,
                    std::string_view owner) override;
  result<void> give_all(const projection_version& of, std::span<const projection_cell> seen,
                        std::string_view owner) override;
  result<void> want_all(const projection_version& of, std::span<const projection_cell> seen,
                        std::string_view who) override;
  result<bool> want(const projection_version& of, std::uint32_t cell, std::string_view owner,
                    std::string_view who) override;
  // No transaction outlives its call.
  result<void> end_others(const projection_version& of, std::uint32_t first,
                          std::uint32_t last) override;
  result<void> restart(const projection_version& of, std::span<const position> at) override;
  result<bool> paused(const projection_version& of) override;
  result<void> pause(const projection_version& of, bool paused) override;
  result<void> add_failure(const projection_version& of,
                           const projection_failure& failure) override;
  result<bool> update_failure(const projection_version& of,
                              const projection_failure& failure) override;
  result<std::vector<projection_failure>> failures(const projection_version& of,
                                                   std::size_t max) override;
  result<std::uint64_t> count_failures(const projection_version& of) override;
  result<bool> remove_failure(const projection_version& of, const persistence_id& id,
                              sequence_nr number) override;
  result<void> forget(const projection_version& of) override;
  result<std::vector<projection_version>> versions() override;

  // Offsets and documents at once (together.cpp):
  std::size_t together_max() const noexcept override { return core_.actions_max; }
  void hold_back() noexcept override { held_.begin(); }
  bool holds_documents() const noexcept override { return !held_.written.empty(); }
  result<void> store_together() override;
  void drop_held_back() noexcept override { held_.end(); }

 private:
  using all_cells = std::vector<projection_cell>;
  using strands = std::span<const std::uint32_t>;

  /// Changes the cells of these strands, each until `change` has seen what is replaced; it returns
  /// whether anything is to be written, and is called at least once for each. With `hints` it is
  /// called with what this process knows first, and again with what is stored if that is old.
  [[nodiscard]] result<void> change(const projection_version& of, strands which,
                                    const std::function<bool(std::uint32_t, all_cells&)>& change,
                                    bool hints = false);
  [[nodiscard]] result<strand_cells> cells_in(const projection_version& of, std::uint32_t strand,
                                              const json& item) const;
  [[nodiscard]] result<std::map<std::uint32_t, strand_cells>> cells_of(const projection_version& of,
                                                                       strands which);
  /// What this process knows of the strand, or what is stored. Known cells may be old.
  [[nodiscard]] result<strand_cells> known_cells(const projection_version& of,
                                                 std::uint32_t strand);
  [[nodiscard]] request put_cells(const projection_version& of, std::uint32_t strand,
                                  const strand_cells& cells) const;
  /// The moves kept back, made again on what is stored now. `conflict`: a cell stands elsewhere.
  [[nodiscard]] result<void> move_again(const projection_version& of, std::uint32_t strand,
                                        kept_back::strand& held);
  [[nodiscard]] result<json> held_actions(const projection_version& of);
  [[nodiscard]] error corrupt(const projection_version& of, std::string_view what) const;

  table& table_;
  core& core_;
  kept_back& held_;
  projection_version moving_{};  // of the strands kept back
};

}}}  // namespace nexus::v0::dynamodb
