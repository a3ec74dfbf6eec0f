// Checks the writers of replayed records: finds a record of a writer that another writer had
// overtaken before.
//
// After Akka Persistence's replay filter, which guards against interleaved writers. Here the check
// of the expected number keeps them out, so the filter is off by default; use it if other programs
// may have written to a journal. Two processes that serve an entity in turn look like interleaving
// too.
//
// Threads: a value. Bound: the last `old_writers_max` writers are remembered.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nexus/entity_options.hpp"
#include "nexus/ulid.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class replay_filter {
 public:
  enum class verdict : std::uint8_t { pass, discard, fail };

  struct finding {
    verdict is = verdict::pass;
    std::optional<error> why;  ///< set when something is wrong, also for a record that passes
  };

  explicit replay_filter(const replay_filter_options& options) : options_{options} {}

  void reset() {
    current_ = {};
    overtaken_.clear();
  }

  /// Checks the writer of the next record, in the order of numbers.
  [[nodiscard]] finding check(const ulid& writer) {
    if (options_.mode == replay_filter_mode::off || writer == current_) return {};
    if (std::find(overtaken_.begin(), overtaken_.end(), writer) != overtaken_.end()) {
      return overtaken(writer);
    }
    if (!current_.empty()) overtaken_.push_back(current_);
    if (overtaken_.size() > options_.old_writers_max) overtaken_.erase(overtaken_.begin());
    current_ = writer;
    return {};
  }

 private:
  [[nodiscard]] finding overtaken(const ulid& writer) const {
    error why{errc::conflict, "was written by " + writer.to_string() + ", which " +
                                  current_.to_string() + " had overtaken"};
    switch (options_.mode) {
      case replay_filter_mode::fail:
        return {verdict::fail, std::move(why)};
      case replay_filter_mode::repair:
        return {verdict::discard, std::move(why)};
      default:
        return {verdict::pass, std::move(why)};
    }
  }

  replay_filter_options options_;
  ulid current_{};
  std::vector<ulid> overtaken_;
};

}}}
