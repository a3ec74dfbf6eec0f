// Where a journal reader gets its records: one source per kind of selection.
//
// Threads: one at a time.
#pragma once

#include <memory>
#include <vector>

#include "nexus/detail/journal_reader.hpp"
#include "read_ahead.hpp"

namespace nexus { inline namespace v0 {

/// At most one position per strand; other strands stand at their start.
class places {
 public:
  explicit places(std::vector<position> named) : named_{std::move(named)} {}

  [[nodiscard]] position in(std::uint32_t strand) const { return position_in(strand, named_); }
  [[nodiscard]] const std::vector<position>& all() const noexcept { return named_; }
  void move_to(const position& at);

 private:
  std::vector<position> named_;
};

class journal_source {
 public:
  virtual ~journal_source() = default;

  [[nodiscard]] static std::unique_ptr<journal_source> of(detail::journal_selection which,
                                                          std::size_t batch_max);

  /// Called once, before the first `fill`.
  virtual result<void> begin(journal_session& /*from*/) { return {}; }

  /// Reads records past `at` into `ahead`, which is empty. Without records it may move `at` past
  /// others that do not match. An error after a record occurs again in the next call.
  virtual result<void> fill(journal_session& from, places& at, read_ahead& ahead) = 0;

  /// Whether nothing more comes after a `fill` without records.
  [[nodiscard]] virtual bool ends() const noexcept { return false; }
};

}}  // namespace nexus::v0
