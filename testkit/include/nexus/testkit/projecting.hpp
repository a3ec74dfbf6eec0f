// Runs the handler of a projection on given events, as a projection would, without a store.
//
//   nexus::testkit::projecting<account> report{add_to_report, {.on = &session, .batch_max = 10}};
//   report.given("alice", account::deposited{100}).given("bob", account::deposited{5});
//   EXPECT_TRUE(report.handled());
//   EXPECT_EQ(rows_of(session), …);
//
// Events pass through the behavior's serializer and back, so a field that is not stored is missing.
// The events of an id get the numbers 1, 2, 3 …, and positions ascend. A batch is a transaction if
// the session has SQL; if an event fails, its batch is rolled back, and its events are handled one
// by one up to the one that fails. The rules for a handler are those of nexus/projection.hpp: to
// wait for an entity is refused (`would_block`), and so is to begin or end a transaction.
//
// Threads: one. Failures: a failed assertion that names the event, and how its handling failed.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <nexus/memory.hpp>
#include <nexus/projection.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/detail/handler_session.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/testkit/contract/terse_session.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// What is stored with an event.
struct event_facts {
  std::optional<std::vector<std::string>> tags{};  ///< none: those of B::tags, if it has any
  std::optional<timestamp> time{};                 ///< none: a second after the event before
  event_metadata metadata{};
};

struct projecting_options {
  session* on = nullptr;          ///< what the handler writes to; null: a session in memory
  std::size_t batch_max = 1'000;  ///< events of one batch, at least 1
};

namespace detail {

/// What `projecting` does whatever its behavior.
class handler_run {
 public:
  handler_run(std::shared_ptr<nexus::detail::projection_handler> handler,
              const projecting_options& options)
      : handler_{std::move(handler)},
        options_{options},
        on_{options.on != nullptr ? *options.on : *own_} {}

  session& on() noexcept { return on_; }
  const std::optional<projection_failure>& failure() const noexcept { return failure_; }

  /// Stores an event; what cannot be stored fails the next run.
  void store(const result<persistence_id>& of, event_view event,
             const std::optional<timestamp>& time) {
    if (unstorable_) return;
    now_ = time.value_or(now_ + std::chrono::seconds{1});
    event.time = now_;
    if (!of) {
      unstorable_ = of.error();
      return;
    }
    const append_request request{*of, must(journal_->highest(*of)), {}, {&event, 1}};
    const auto outcome = journal_->append({&request, 1}).front();
    if (const auto* why = std::get_if<rejected>(&outcome)) unstorable_ = why->why;
  }
  void refuse(error why) {
    if (!unstorable_) unstorable_ = std::move(why);
  }

  /// Handles the events that were not handled yet; or once more those that were.
  testing::AssertionResult run(bool again) {
    failure_.reset();
    if (unstorable_) return testing::AssertionFailure() << told(*unstorable_);
    std::optional<undecodable> undecoded;
    for (auto& batch : read(again, undecoded)) {
      if (batch->size() == 0) continue;  // its events do not decode, or are adapted to nothing
      if (auto why = handle(*batch, again)) return failed(*why);
    }
    if (!undecoded) return testing::AssertionSuccess();
    failure_ = std::move(undecoded->which);
    return failed(undecoded->why);
  }

 private:
  using batches = std::vector<std::unique_ptr<nexus::detail::projected_batch>>;
  struct undecodable {
    projection_failure which;
    error why;
  };

  batches read(bool again, std::optional<undecodable>& undecoded) {
    batches all;
    const auto from = again ? position{} : handled_;
    must(journal_->read_all(from, everything, [&](const persistence_id& of, const record_view& r) {
      if (again && !(r.at <= handled_)) return false;
      if (all.empty() || all.back()->events() >= std::max<std::size_t>(options_.batch_max, 1)) {
        all.push_back(handler_->make_batch());
      }
      auto added = all.back()->add(of, r);
      if (added) return true;
      undecoded = {{of, r.number, r.at, std::string{r.event.type}}, std::move(added.error())};
      return false;
    }));
    return all;
  }

  // Why an event was not handled; `failure_` says which.
  std::optional<error> handle(nexus::detail::projected_batch& batch, bool again) {
    const auto whole = attempt(batch, 0, batch.size(), again);
    if (!whole.failed) return std::nullopt;
    for (auto i = on_.has_sql() ? 0 : whole.end; i < batch.size(); ++i) {
      auto alone = attempt(batch, i, i + 1, again);
      if (!alone.failed) continue;
      failure_ = batch.describe(i);
      return std::move(alone.failed);
    }
    return std::nullopt;
  }

  nexus::detail::projected_batch::handled attempt(nexus::detail::projected_batch& batch,
                                                  std::size_t from, std::size_t to, bool again) {
    const bool whole = on_.has_sql();
    if (whole) {
      if (auto begun = on_.begin(isolation::read_committed, false); !begun) {
        return {from, std::move(begun.error())};
      }
    }
    auto done = [&] {
      const nexus::detail::no_waiting here{"a projection's handler"};
      nexus::detail::handler_session limited{on_};
      return batch.handle(limited, from, to, std::chrono::steady_clock::time_point::max());
    }();
    if (whole && !done.failed) {
      if (auto committed = on_.commit(); !committed) done.failed = std::move(committed.error());
    }
    if (whole && done.failed) {
      if (on_.in_transaction()) (void)on_.rollback();
      done.end = from;
    }
    if (done.end > from && !again) handled_ = batch.at(done.end - 1);
    return done;
  }

  static std::string told(const error& why) {
    return std::string{to_string(why.code)} + ": " + why.message;
  }
  testing::AssertionResult failed(const error& why) {
    failure_->error = why.message;
    failure_->attempts = 1;
    return testing::AssertionFailure()
           << "event " << failure_->number << " (" << failure_->event_type << ") of "
           << failure_->of.str() << ": " << told(why);
  }

  const std::shared_ptr<nexus::detail::projection_handler> handler_;
  const projecting_options options_;
  const std::shared_ptr<journal> kept_ = must(memory_backend().open(must(uri::parse("memory:"))));
  const std::unique_ptr<journal_session> journal_ = must(kept_->open_session());
  const std::unique_ptr<journal_session> own_ = must(kept_->open_session());
  session& on_;
  timestamp now_{};
  position handled_{};
  std::optional<error> unstorable_;
  std::optional<projection_failure> failure_;
};

}

template <event_sourced B>
class projecting {
 public:
  /// The handler is one of the four forms of nexus/projection.hpp.
  template <class F>
    requires nexus::detail::projecting<F, B>
  explicit projecting(F handler, const projecting_options& options = {})
      : run_{std::make_shared<nexus::detail::typed_handler<B, F>>(std::move(handler)), options} {}

  /// The next event of an entity.
  projecting& given(std::string_view id, const typename B::event& event,
                    const event_facts& facts = {}) {
    nexus::detail::with_alternative(event, [&](const auto& one) { store(id, one, facts); });
    return *this;
  }
  /// The next event of an entity, of a type that the behavior adapts.
  template <class Old>
    requires(nexus::detail::is_stored_event<B, Old> &&
             !nexus::detail::is_alternative<Old, typename B::event>)
  projecting& given(std::string_view id, const Old& event, const event_facts& facts = {}) {
    store(id, event, facts);
    return *this;
  }

  /// Passes the events that were given since to the handler. After a failure it goes on with the
  /// event that failed.
  [[nodiscard]] testing::AssertionResult handled() { return run_.run(false); }

  /// Passes the events that were handled to the handler once more, as after a crash. A target
  /// without transactions has to get along with that: (id, number, part) tells a repeated event.
  [[nodiscard]] testing::AssertionResult delivered_again() { return run_.run(true); }

  /// The event at which the last call failed.
  [[nodiscard]] const std::optional<projection_failure>& failure() const noexcept {
    return run_.failure();
  }

  /// What the handler writes to.
  [[nodiscard]] session& on() noexcept { return run_.on(); }

 private:
  template <class E>
  void store(std::string_view id, const E& event, const event_facts& facts) {
    std::string data;
    if (auto encoded = nexus::detail::encode_with<B>(event, data); !encoded) {
      return run_.refuse(std::move(encoded.error()));
    }
    std::vector<std::string> tags;
    if (facts.tags) {
      tags = *facts.tags;
    } else if constexpr (requires { B::tags(event); }) {
      for (const auto& tag : B::tags(event)) tags.emplace_back(tag);
    }
    const std::vector<std::string_view> views(tags.begin(), tags.end());
    const auto& m = facts.metadata;
    const call_header header{m.command_id, m.correlation_id, m.causation_id, m.traceparent,
                             m.tracestate};
    run_.store(
        persistence_id::make(B::entity_type, id),
        {.type = E::type_name,
         .schema_version = nexus::detail::schema_version_of<E>(),
         .codec = nexus::detail::serializer_name<B>(),
         .data = data,
         .metadata = nexus::detail::encode_metadata(header, {m.fields.begin(), m.fields.end()}),
         .tags = views},
        facts.time);
  }

  detail::handler_run run_;
};

/// Whether `outcome_of(batch_max)`, e.g. the rows that a new `projecting` made in batches of that
/// size, is the same for every size.
template <class F>
[[nodiscard]] testing::AssertionResult same_in_all_batches(F outcome_of) {
  const auto alone = outcome_of(std::size_t{1});
  for (const std::size_t batch_max : {2, 3, 10, 1'000}) {
    const auto together = outcome_of(batch_max);
    if (together == alone) continue;
    return testing::AssertionFailure()
           << "batches of 1 event give " << testing::PrintToString(alone) << ", those of up to "
           << batch_max << " " << testing::PrintToString(together);
  }
  return testing::AssertionSuccess();
}

}}}  // namespace nexus::v0::testkit
