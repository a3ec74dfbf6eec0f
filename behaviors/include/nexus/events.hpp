// The decoded events of a behavior, across its entities.
//
//   nexus::events<account> all{store};
//   auto now = all.of("alice").current();                 // ends at what is stored now
//   auto on = all.tagged("vip").after(kept).live();       // never ends
//
// Events come as the variant B::event, upcast to the current version: those of one entity in the
// order of their numbers, all in the order of their positions (of several strands, by time within a
// batch). Each event comes exactly once. A stored event that the behavior adapts comes as the events
// that it becomes: none, or several with the `part` 0, 1, … A live stream gets an event within 100 ms of its commit in
// this process, unless another open transaction holds back readers (docs/reading.md).
//
// Threads: a description is an immutable value; a stream: see nexus/stream.hpp.
// Failures of `current` and `live`: those of the storage; `invalid_id`; `invalid_argument`, which
// names the invalid part. On a thread that must not wait, such as an actor's, they use no session:
// the first read begins, and has these failures. (PostgreSQL still connects for the watch.) Those of
// a read are in nexus/stream.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nexus/behavior.hpp"
#include "nexus/detail/entity_model.hpp"
#include "nexus/metadata.hpp"
#include "nexus/stream.hpp"

namespace nexus { inline namespace v0 {

/// An event with all that is stored with it; owns everything.
template <event_sourced B>
struct event_of {
  std::string id;  ///< of the entity
  sequence_nr number = 0;
  position at{};
  timestamp time{};
  ulid writer{};
  std::vector<std::string> tags{};
  event_metadata metadata{};
  typename B::event event;
  std::uint32_t part = 0;  ///< 0, 1, …: which one of several that were stored as one

  /// A stored event may be none or several items; see `of_record_parts`.
  static constexpr bool has_parts = detail::adapts<B>;

  [[nodiscard]] static result<event_of> of_record(const persistence_id& of, const record_view& r)
    requires(!has_parts)
  {
    std::optional<typename B::event> decoded;
    auto metadata =
        read_record(of, r, [&](auto&& one) { decoded.emplace(std::forward<decltype(one)>(one)); });
    if (!metadata) return fail(std::move(metadata.error()));
    return made_of(of, r, *std::move(metadata), *std::move(decoded), 0);
  }

  /// Appends what the stored event is read as.
  [[nodiscard]] static result<void> of_record_parts(const persistence_id& of, const record_view& r,
                                                    std::vector<event_of>& out) {
    std::vector<typename B::event> decoded;
    auto metadata = read_record(
        of, r, [&](auto&& one) { decoded.emplace_back(std::forward<decltype(one)>(one)); });
    if (!metadata) return fail(std::move(metadata.error()));
    std::uint32_t part = 0;
    for (auto& one : decoded) out.push_back(made_of(of, r, *metadata, std::move(one), part++));
    return {};
  }

 private:
  template <class Use>
  static result<event_metadata> read_record(const persistence_id& of, const record_view& r,
                                            Use use) {
    auto read = detail::guarded(errc::corrupt, "decoding",
                                [&] { return detail::decode_event_to<B>(r.event, use); });
    if (!read) return fail(detail::undecoded("event", r.number, of, read.error()));
    auto metadata = decode_metadata(r.event.metadata);
    if (!metadata) return fail(detail::undecoded("event", r.number, of, metadata.error()));
    return metadata;
  }

  static event_of made_of(const persistence_id& of, const record_view& r, event_metadata metadata,
                          typename B::event event, std::uint32_t part) {
    return event_of{
        std::string{of.id()}, r.number,         r.at,
        r.event.time,         r.writer,         {r.event.tags.begin(), r.event.tags.end()},
        std::move(metadata),  std::move(event), part};
  }
};

template <event_sourced B>
class events : public detail::selecting<events<B>> {
  using base = detail::selecting<events<B>>;
  friend base;

 public:
  using item = event_of<B>;

  explicit events(store from, const live_reader_options& options = {})
      : base{std::move(from), detail::journal_selection::kind::events, B::entity_type, options} {}

  /// Those with this tag.
  [[nodiscard]] events tagged(std::string_view tag) const {
    return base::with([&](auto& which) { which.filter.tag = std::string{tag}; });
  }

  /// Without this, a stream that starts before erased events fails with `history_erased`. With it,
  /// the stream has the events that are kept. The erased events may be of any id in the strands
  /// that are read, also ones that were stored after a `current` began, since a journal remembers
  /// only the last of them; with `of` they are the entity's own.
  [[nodiscard]] events from_kept() const {
    return base::with([](auto& which) { which.from_kept = true; });
  }

  /// The events stored now.
  [[nodiscard]] result<stream<item>> current() const { return open(false); }

  /// The events stored now, and then every new one.
  [[nodiscard]] result<stream<item>> live() const { return open(true); }

 private:
  [[nodiscard]] result<stream<item>> open(bool live) const {
    auto made = base::open(live);
    if (!made) return fail(std::move(made.error()));
    return stream<item>{*std::move(made)};
  }
};

}}  // namespace nexus::v0
