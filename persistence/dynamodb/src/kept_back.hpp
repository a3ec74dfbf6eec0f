// What a session keeps back, to store it in one transaction: documents, and the offsets of
// projections.
//
// Written documents were often read before. Then they are stored on the condition that they are
// still as they were read, so that of two transactions which read one document the later one fails.
//
// Threads: those of the session. Throws: nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/projection_storage.hpp"
#include "values.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// The cells of a projection in one strand, as their item has them.
struct strand_cells {
  std::uint64_t revision = 0;  ///< 0: there is no item
  std::vector<projection_cell> all{};
};

class kept_back {
 public:
  using place = std::pair<std::string, std::string>;  // a collection and an id

  /// A move of cells, and how many it moved.
  struct move {
    std::string owner;
    projection_move to;
    std::uint64_t cells = 0;
  };
  struct strand {
    strand_cells cells;  // after the moves
    std::vector<move> moves{};
  };

  [[nodiscard]] bool on() const noexcept { return on_; }
  void begin() noexcept {
    end();
    on_ = true;
  }
  void end() noexcept {
    on_ = false;
    written.clear();
    read.clear();
    strands.clear();
    others.clear();
  }

  /// The first reading counts: what is read later is compared with it when it is stored.
  void saw(std::string_view name, const std::string& id, const json& item) {
    read.try_emplace({std::string{name}, id}, item.is_null() ? json{} : item.value("Data", json{}));
  }
  /// The item that was written; a null: the document was removed. No value: neither.
  [[nodiscard]] const json* found(std::string_view name, std::string_view id) const {
    const auto one = written.find({std::string{name}, std::string{id}});
    return one == written.end() ? nullptr : &one->second;
  }

  std::map<place, json> written;            // items; null: removed
  std::map<place, json> read;               // the attribute Data; null: there was none
  std::map<std::uint32_t, strand> strands;  // of one projection
  std::vector<json> others;                 // actions of a transaction

 private:
  bool on_ = false;
};

}}}  // namespace nexus::v0::dynamodb
