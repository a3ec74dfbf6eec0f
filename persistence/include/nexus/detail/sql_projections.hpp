// Offsets of projections in the tables of a SQL database, the same for every one.
//
// Threads: those of the session.
#pragma once

#include <string>
#include <string_view>

#include "nexus/detail/sql_dialect.hpp"
#include "nexus/projection_storage.hpp"
#include "nexus/schema_choices.hpp"
#include "nexus/session.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class sql_projections final : public projection_storage {
 public:
  sql_projections(session& on, const schema_choices& tables, const sql_dialect& of);

  result<std::string> declare(const projection_version& of, std::string_view reads) override;
  result<void> add(const projection_version& of, std::span<const projection_cell> cells) override;
  result<std::vector<projection_cell>> cells(const projection_version& of) override;
  result<std::uint64_t> advance(const projection_version& of, std::string_view owner,
                                const projection_move& move) override;
  result<bool> give(const projection_version& of, const projection_cell& seen,
                    std::string_view owner) override;
  result<bool> want(const projection_version& of, std::uint32_t cell, std::string_view owner,
                    std::string_view who) override;
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
  struct texts {
    std::string declare, reads, update_failure, add, cells, advance, give, take, want, end_holders,
        restart, paused, pause, add_failure, failures, count_failures, remove_failure, forget_cells,
        forget_pause, forget_failures, versions;
  };

  /// The number of rows that it changed.
  template <class... A>
  result<std::int64_t> change(const std::string& sql, const projection_version& of, const A&... a);

  session& on_;
  const texts sql_;
};

}}}
