// The changes of a behavior's durable states: the latest state per id.
//
//   nexus::states<profile> all{store};
//   auto changes = all.after(kept).live();
//
// A stream has the latest state of every id that changed past its position, in the order of the
// last changes (of several strands, one after another). It misses no id's latest state, and may
// miss states between. A state that changes while it is read comes again. A state whose last change
// the journal holds back, e.g. for an open transaction, comes later, with that change.
//
// The journal must number the changes: in memory it does; in a SQL backend the URI's
// `indexes=states` makes the index. Without it `current` and `live` return `invalid_argument`.
//
// Threads, failures: as nexus/events.hpp.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "nexus/behavior.hpp"
#include "nexus/detail/entity_model.hpp"
#include "nexus/stream.hpp"

namespace nexus { inline namespace v0 {

/// A state with all that is stored with it; owns everything.
template <durable_state B>
struct state_of {
  std::string id;  ///< of the entity
  sequence_nr version = 0;
  position at{};
  timestamp time{};
  ulid writer{};
  std::optional<state_t<B>> state{};  ///< none: erased

  [[nodiscard]] static result<state_of> of_record(const persistence_id& of, const record_view& r) {
    state_of made{std::string{of.id()}, r.number, r.at, r.event.time, r.writer, std::nullopt};
    if (r.event.type.empty()) return made;
    auto read = detail::guarded(errc::corrupt, "decoding", [&] {
      made.state.emplace();
      return decode_state<B>({.number = r.number,
                              .type = std::string{r.event.type},
                              .schema_version = r.event.schema_version,
                              .codec = std::string{r.event.codec},
                              .data = std::string{r.event.data}},
                             *made.state);
    });
    if (!read) return fail(detail::undecoded("version", r.number, of, read.error()));
    return made;
  }
};

template <durable_state B>
class states : public detail::selecting<states<B>> {
  using base = detail::selecting<states<B>>;
  friend base;

 public:
  using item = state_of<B>;

  explicit states(store from, const live_reader_options& options = {})
      : base{std::move(from), detail::journal_selection::kind::states, B::entity_type, options} {}

  /// The states as they are now. A state that changes meanwhile may come in its newer form.
  [[nodiscard]] result<stream<item>> current() const { return open(false); }

  /// The states as they are now, and then every change.
  [[nodiscard]] result<stream<item>> live() const { return open(true); }

 private:
  [[nodiscard]] result<stream<item>> open(bool live) const {
    auto made = base::open(live);
    if (!made) return fail(std::move(made.error()));
    return stream<item>{*std::move(made)};
  }
};

}}  // namespace nexus::v0
