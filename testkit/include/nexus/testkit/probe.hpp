// Sees what the entities of a behavior have persisted: the events of one id, in order, typed.
//
//   nexus::testkit::probe<account> stored{*store};
//   auto alice = stored.events("alice");
//   …                                                // let the entity work
//   alice.expect_next(account::deposited{100}).expect_next(account::withdrawn{30}).expect_none();
//
// The probe reads the store, so it sees only what is durable, whoever wrote it. Values are compared
// field by field and to the bit. `expect_next` waits for an event that is not stored yet, up to
// `within`; a stepped system has to be stepped first. After Akka's PersistenceTestKit.
//
// Threads: one. Failures: a non-fatal failure of GoogleTest at the line of the call, which names
// the id, the number and the difference.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/detail/draft.hpp"
#include "nexus/events.hpp"
#include "nexus/testkit/detail/difference.hpp"
#include "nexus/testkit/detail/shown.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// The events of one id that were not seen yet.
template <event_sourced B>
class persisted {
 public:
  persisted(const store& in, std::string_view id, sequence_nr after)
      : name_{std::string{B::entity_type}.append("|").append(id)}, seen_{after} {
    auto opened = nexus::events<B>{in}.of(id).from_kept().live();
    if (opened) {
      events_.emplace(*std::move(opened));
    } else {
      trouble_ = std::move(opened.error());
    }
  }

  /// Expects that the next event is `wanted`.
  template <class E>
    requires nexus::detail::is_alternative<E, typename B::event>
  persisted& expect_next(const E& wanted, time_span within = std::chrono::seconds{10},
                         const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    const auto got = take(within);
    const auto text = std::string{E::type_name} + " " + detail::shown(wanted);
    if (!got) {
      ADD_FAILURE_AT(file, line) << told(got.error()) << ", expected " << text;
    } else if (!*got) {
      ADD_FAILURE_AT(file, line) << name_ << ": no event after " << seen_ << ", expected " << text;
    } else if (const auto where = differs((*got)->event, wanted)) {
      ADD_FAILURE_AT(file, line) << shown(**got) << ", expected " << text << detail::at(*where);
    }
    return *this;
  }

  /// Expects that no further event is stored within this time.
  persisted& expect_none(time_span within = {}, const char* file = __builtin_FILE(),
                         int line = __builtin_LINE()) {
    const auto got = take(within);
    if (!got) {
      ADD_FAILURE_AT(file, line) << told(got.error());
    } else if (*got) {
      ADD_FAILURE_AT(file, line) << shown(**got) << ", expected none";
    }
    return *this;
  }

  /// The next event; none if none is stored within this time.
  [[nodiscard]] result<std::optional<event_of<B>>> next(time_span within = std::chrono::seconds{
                                                            10}) {
    return take(within);
  }

  /// All events that are stored now and were not seen yet.
  [[nodiscard]] result<std::vector<event_of<B>>> rest() {
    std::vector<event_of<B>> all;
    for (;;) {
      auto got = take({});
      if (!got) return fail(std::move(got.error()));
      if (!*got) return all;
      all.push_back(**std::move(got));
    }
  }

  /// The number of the last event seen.
  [[nodiscard]] sequence_nr number() const noexcept { return seen_; }

 private:
  result<std::optional<event_of<B>>> take(std::chrono::nanoseconds within) {
    if (!events_) return fail(trouble_);
    for (;;) {
      auto got = events_->next(within);
      if (!got || !*got) return got;
      if ((*got)->number <= begun_after_) continue;
      seen_ = (*got)->number;
      return got;
    }
  }

  template <class E>
  static std::optional<std::string> differs(const typename B::event& is, const E& wanted) {
    const auto* found = std::get_if<E>(&is);
    return found == nullptr ? std::optional<std::string>{""} : detail::difference(*found, wanted);
  }

  [[nodiscard]] std::string shown(const event_of<B>& e) const {
    std::ostringstream out;
    out << "event " << e.number << " of " << name_ << " is ";
    nexus::detail::with_alternative(e.event, [&](const auto& one) {
      out << std::remove_cvref_t<decltype(one)>::type_name << " " << detail::shown(one);
    });
    return out.str();
  }
  [[nodiscard]] std::string told(const error& why) const {
    return name_ + ": " + std::string{to_string(why.code)} + ": " + why.message;
  }

  const std::string name_;
  std::optional<stream<event_of<B>>> events_;
  error trouble_{};
  sequence_nr seen_;
  const sequence_nr begun_after_ = seen_;
};

/// What a store has of the entities of `B`.
template <event_sourced B>
class probe {
 public:
  explicit probe(store in) : in_{std::move(in)} {}

  /// The events of the entity `id`, from its first one on, or from the one after `after`. Erased
  /// events are passed over.
  [[nodiscard]] persisted<B> events(std::string_view id, sequence_nr after = 0) const {
    return {in_, id, after};
  }

 private:
  store in_;
};

}}}  // namespace nexus::v0::testkit
