// A batch of events as columns: the parameters of `append_events`.
//
// Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <string>

#include "nexus/journal.hpp"
#include "parameters.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

class event_arrays {
 public:
  /// Removes all events, but keeps the memory of the first chunk.
  void clear();

  /// Adds a request's events; returns the position of the last one within the transaction.
  std::int64_t add(const append_request& request);

  /// Each chunk is a statement of its own: a message to PostgreSQL ends at 1 GiB.
  struct chunk {
    array ids{element::text}, numbers{element::int8}, positions{element::int8};
    array types{element::text}, versions{element::int8}, codecs{element::text};
    array data{element::bytea}, metadata{element::bytea};
    array writers{element::text}, times{element::timestamptz}, slices{element::int4};
    array tag_lists{element::text};  ///< each as an array's text, e.g. {"a","b"}
    std::size_t bytes = 0;

    [[nodiscard]] parameters bound();
    void clear();
  };
  [[nodiscard]] std::deque<chunk>& chunks() noexcept { return chunks_; }

  // One per request, for the check.
  array ids{element::text};
  array expected{element::int8};

  // One per tag.
  array tags{element::text};
  array tag_positions{element::int8};

 private:
  static constexpr std::size_t chunk_bytes_max = std::size_t{64} << 20;

  void add(chunk& to, const append_request& request, const event_view& event, sequence_nr number);

  std::deque<chunk> chunks_{1};
  std::int64_t position_ = 0;
  ulid last_writer_;
  std::string writer_text_;
  std::string tag_list_;
};

}}}  // namespace nexus::v0::postgres
