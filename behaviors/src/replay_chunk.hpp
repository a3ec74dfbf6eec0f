// Records of a recovery, on their way from a reader's thread to the entity's.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Owns the bytes of its records in one buffer, so that a chunk needs only a few allocations.
class replay_chunk {
 public:
  void add(const record_view& r) {
    const auto& e = r.event;
    // Neighbours mostly have the same type and codec, which are then stored once.
    const auto type = !records_.empty() && at(records_.back().type) == e.type ? records_.back().type
                                                                              : keep(e.type);
    const auto codec = !records_.empty() && at(records_.back().codec) == e.codec
                           ? records_.back().codec
                           : keep(e.codec);
    records_.push_back({r.number, r.writer, e.schema_version, type, codec, keep(e.data)});
  }

  [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return buffer_.size(); }
  [[nodiscard]] sequence_nr last() const noexcept { return records_.back().number; }

  /// Calls `f(number, writer, event_view)` in order while it returns true. Metadata, tags, time and
  /// position are not kept: a state depends on the events alone.
  template <class F>
  void each(F f) const {
    for (const auto& r : records_) {
      event_view event;
      event.type = at(r.type);
      event.codec = at(r.codec);
      event.data = at(r.data);
      event.schema_version = r.schema_version;
      if (!f(r.number, r.writer, event)) return;
    }
  }

 private:
  struct range {
    std::size_t begin;
    std::size_t size;
  };
  struct record {
    sequence_nr number;
    ulid writer;  // empty unless the read asked for it
    std::uint32_t schema_version;
    range type;
    range codec;
    range data;
  };

  range keep(std::string_view bytes) {
    range made{buffer_.size(), bytes.size()};
    buffer_.append(bytes);
    return made;
  }
  [[nodiscard]] std::string_view at(range r) const {
    return std::string_view{buffer_}.substr(r.begin, r.size);
  }

  std::string buffer_;
  std::vector<record> records_;
};

}}}
