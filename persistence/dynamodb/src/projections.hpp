// Offsets of projections in the journal's table. The cells of a strand are one item with a revision:
// a change reads it, and writes it back on the condition that the revision is the same.
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
#include <string>
#include <string_view>
#include <vector>

#include "nexus/projection_storage.hpp"
#include "table.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

class dynamodb_projections final : public projection_storage {
 public:
  explicit dynamodb_projections(table& in) : table_{in} {}

  result<std::string> declare(const projection_version& of, std::string_view reads) override;
  result<void> add(const projection_version& of, std::span<const projection_cell> cells) override;
  result<std::vector<projection_cell>> cells(const projection_version& of) override;
  result<std::uint64_t> advance(const projection_version& of, std::string_view owner,
                                const projection_move& move) override;
  result<bool> give(const projection_version& of, const projection_cell& seen,
                    std::string_view owner) override;
  result<void> give_all(const projection_version& of, std::span<const projection_cell> seen,
                        std::string_view owner) override;
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

 private:
  using all_cells = std::vector<projection_cell>;

  /// Changes the cells of a strand until `change` has seen what is replaced; it returns whether
  /// anything is to be written.
  [[nodiscard]] result<void> change(const projection_version& of, std::uint32_t strand,
                                    const std::function<bool(all_cells&)>& change);
  [[nodiscard]] error corrupt(const projection_version& of, std::string_view what) const;

  table& table_;
};

}}}  // namespace nexus::v0::dynamodb
