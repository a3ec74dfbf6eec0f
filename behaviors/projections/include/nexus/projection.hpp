// A projection: passes every event of a behavior to a handler, which keeps rows that answer
// questions.
//
//   auto count = [](nexus::session& on, const nexus::projected<account>& e) {
//     return add_to_report(on, e.id, e.event);     // result<void>; rows of the target
//   };
//   nexus::projection<account> report{sys, *store, "revenue", count, {.version = 2}};
//   if (auto done = report.caught_up(5s); !done) return complain(done.error().message);
//
// Where the target has SQL, each event is handled exactly once: the handler's writes on `on` and
// the offset are committed together. On DynamoDB that holds for read models, and the handler may run
// again before they are stored. Elsewhere (memory) at least once: the offset is stored after the
// handler, and (id, number, part) tells a repeated event. Events of one entity come in order.
//
// Several processes may run the same projection: they share its cells (64 ranges of ids). If a
// process dies, another one takes its cells after `lease`.
//
// Threads: a projection has its own: one that reads, one that looks after the leases, and
// `parallel` that call the handler. The members may be called from any thread; `caught_up`, `stop`
// and the destructor wait, the last two for a transaction under way.
// Bounds: per worker two batches of `batch_max` events, and the parts of the last one.
// Failures: a storage failure is tried again, for ever. An error or exception of the handler is
// retried, then `on_failure` counts; that of an event which does not decode at once. A lasting
// error of the source, such as `history_erased`, stops the projection.
// Source of the semantics: Akka Projection, whose offsets share the handler's transaction.
#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/outcome.hpp"
#include "nexus/detail/projection_core.hpp"
#include "nexus/events.hpp"
#include "nexus/projection_options.hpp"

namespace nexus { inline namespace v0 {

/// An event as a handler gets it. (`id`, `number`, `part`) is the same whenever it comes. The parts
/// of a stored event are handled in one transaction.
template <event_sourced B>
struct projected : event_of<B> {
  /// It was skipped and is retried: later events of its entity may have been handled already.
  bool out_of_order = false;
};

namespace detail {

template <class F, class B>
concept handles_event = std::invocable<F&, const projected<B>&>;
template <class F, class B>
concept handles_event_on = std::invocable<F&, session&, const projected<B>&>;
template <class F, class B>
concept handles_batch = std::invocable<F&, std::span<const projected<B>>>;
template <class F, class B>
concept handles_batch_on = std::invocable<F&, session&, std::span<const projected<B>>>;

/// What a projection of B can call.
template <class F, class B>
concept projecting =
    handles_event<F, B> || handles_event_on<F, B> || handles_batch<F, B> || handles_batch_on<F, B>;

template <class F, class B>
inline constexpr bool takes_batches =
    !handles_event<F, B> && !handles_event_on<F, B> && projecting<F, B>;

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

/// The error of a call of `f`, if it failed.
template <class F, class... A>
[[nodiscard]] std::optional<error> error_of_call(F& f, A&&... with) {
  using returned = std::remove_cvref_t<std::invoke_result_t<F&, A...>>;
  static_assert(std::is_void_v<returned> || is_result<returned> ||
                    std::is_same_v<returned, tl::unexpected<error>>,
                "a projection's handler returns nothing or a nexus::result");
  std::optional<error> why;
  (void)guarded(
      [&] {
        if (auto done = call_for_outcome(f, std::forward<A>(with)...); !done) why = done.error();
      },
      [&](const std::string& what) {
        why = error{errc::projection_failed, "the handler threw: " + what};
      });
  return why;
}

/// Calls the handler with the events, one by one or all.
template <class B, class F>
[[nodiscard]] std::optional<error> call_handler(F& f, session& on,
                                                std::span<const projected<B>> events) {
  if constexpr (handles_event_on<F, B>) {
    return error_of_call(f, on, events.front());
  } else if constexpr (handles_event<F, B>) {
    return error_of_call(f, events.front());
  } else if constexpr (handles_batch_on<F, B>) {
    return error_of_call(f, on, events);
  } else {
    return error_of_call(f, events);
  }
}

template <class B, class F>
class typed_batch final : public projected_batch {
 public:
  explicit typed_batch(std::shared_ptr<F> handler) : handler_{std::move(handler)} {}

  result<void> add(const persistence_id& of, const record_view& r) override {
    if constexpr (adapts<B>) {
      return add_parts(of, r);
    } else {
      auto made = event_of<B>::of_record(of, r);
      if (!made) return fail(std::move(made.error()));
      events_.push_back({*std::move(made)});
      return {};
    }
  }

  std::size_t size() const noexcept override {
    if constexpr (adapts<B>) return stored_.size();
    return events_.size();
  }
  std::size_t events() const noexcept override { return events_.size(); }
  const position& at(std::size_t i) const noexcept override { return events_[begin_of(i)].at; }
  timestamp time(std::size_t i) const noexcept override { return events_[begin_of(i)].time; }

  projection_failure describe(std::size_t i) const override {
    const auto& e = events_[begin_of(i)];
    std::string type;
    if constexpr (adapts<B>) {
      type = stored_[i].type;
    } else {
      with_alternative(
          e.event, [&](const auto& one) { type = std::remove_cvref_t<decltype(one)>::type_name; });
    }
    return {persistence_id::make(B::entity_type, e.id).value(), e.number, e.at, std::move(type)};
  }

  handled handle(session& on, std::size_t from, std::size_t to,
                 std::chrono::steady_clock::time_point until) override {
    if constexpr (takes_batches<F, B>) {
      auto why = call_handler<B>(*handler_, on, of_records(from, to));
      return {why ? from : to, std::move(why)};
    } else {
      for (auto i = from; i < to; ++i) {
        if (auto why = handle_one(on, i)) return {i, std::move(why)};
        if (std::chrono::steady_clock::now() >= until) return {i + 1, {}};
      }
      return {to, {}};
    }
  }

  std::optional<error> handle_again(session& on) override {
    for (auto& one : events_) one.out_of_order = true;
    if (size() == 0) return std::nullopt;  // it has become nothing meanwhile
    if constexpr (takes_batches<F, B>) return call_handler<B>(*handler_, on, of_records(0, 1));
    return handle_one(on, 0);
  }

 private:
  struct stored {
    std::size_t begin;  ///< the first of its events
    std::string type;
  };

  result<void> add_parts(const persistence_id& of, const record_view& r) {
    std::vector<event_of<B>> made;
    if (auto read = event_of<B>::of_record_parts(of, r, made); !read) return read;
    if (made.empty()) return {};
    stored_.push_back({events_.size(), std::string{r.event.type}});
    for (auto& one : made) events_.push_back({std::move(one)});
    return {};
  }

  // Of the stored event `i`; of `size()`, the end.
  [[nodiscard]] std::size_t begin_of(std::size_t i) const noexcept {
    if constexpr (adapts<B>) {
      return i < stored_.size() ? stored_[i].begin : events_.size();
    } else {
      return i;
    }
  }
  [[nodiscard]] std::span<const projected<B>> of_records(std::size_t from, std::size_t to) const {
    const auto begin = begin_of(from);
    return std::span<const projected<B>>{events_}.subspan(begin, begin_of(to) - begin);
  }

  std::optional<error> handle_one(session& on, std::size_t i) {
    const auto parts = of_records(i, i + 1);
    for (std::size_t part = 0; part < parts.size(); ++part) {
      if (auto why = call_handler<B>(*handler_, on, parts.subspan(part, 1))) return why;
    }
    return std::nullopt;
  }

  const std::shared_ptr<F> handler_;
  std::vector<projected<B>> events_;
  std::vector<stored> stored_;  // only if the behavior adapts: one event may be several
};

template <class B, class F>
class typed_handler final : public projection_handler {
 public:
  explicit typed_handler(F f) : f_{std::make_shared<F>(std::move(f))} {}
  std::string_view entity_type() const noexcept override { return B::entity_type; }
  std::unique_ptr<projected_batch> make_batch() override {
    return std::make_unique<typed_batch<B, F>>(f_);
  }
  bool takes_batches() const noexcept override { return detail::takes_batches<F, B>; }

 private:
  const std::shared_ptr<F> f_;
};

}

template <event_sourced B>
class projection {
 public:
  /// The handler is one of
  ///   f(session& on, const projected<B>& event)
  ///   f(session& on, std::span<const projected<B>> events)
  ///   f(const projected<B>& event)
  ///   f(std::span<const projected<B>> events)
  /// and returns nothing or a result<void>. `on` is a session of the target, in a transaction if it
  /// has SQL. A handler must not wait for entities (`would_block`), nor end the transaction.
  ///
  /// The name and the version identify the projection in the target: 1 to
  /// projection_version::name_bytes_max bytes. Two of the same on one system, and contradicting
  /// options, show in `status` and in every call.
  template <class F>
    requires detail::projecting<F, B>
  projection(system& sys, store source, std::string_view name, F handler,
             projection_options options = {})
      : handle_{sys, std::move(source), name,
                std::make_shared<detail::typed_handler<B, F>>(std::move(handler)),
                std::move(options)} {}

  [[nodiscard]] projection_status status() const { return handle_.status(); }

  /// Waits until every event that was stored before this call has been handled, by any process.
  /// Fails with `timeout`, or at once with `projection_failed` or `stopped` (also paused) if it does
  /// not continue by itself.
  [[nodiscard]] result<void> caught_up(time_span within) const { return handle_.caught_up(within); }

  /// Stops the work on this version in all processes, also after a restart, until `resume`. Returns
  /// when the pause is stored; a transaction under way may still commit.
  [[nodiscard]] result<void> pause() const { return handle_.pause(); }

  /// Continues after `pause`, and after the phase `failed`.
  [[nodiscard]] result<void> resume() const { return handle_.resume(); }

  /// Handles everything again from the start, or from these positions (one per strand), in all
  /// processes. `on_rebuild` empties the rows in the same transaction. To keep the old rows readable
  /// meanwhile, raise the version instead.
  [[nodiscard]] result<void> rebuild(std::vector<position> from = {}) const {
    return handle_.rebuild(std::move(from));
  }

  /// Events that were skipped.
  [[nodiscard]] result<std::vector<projection_failure>> failures(std::size_t max = 1'000) const {
    return handle_.failures(max);
  }

  /// Handles a skipped event again, now, on this thread: with `out_of_order`. Removes it from the
  /// failures if that succeeds, in the same transaction; else its error is updated and returned.
  [[nodiscard]] result<void> retry(const projection_failure& which) const {
    return handle_.retry(which);
  }

  /// Ends the projection in this process, and leaves its cells to other processes.
  void stop() const { handle_.stop(); }

 private:
  detail::projection_handle handle_;
};

/// Removes a version of a projection that is not used any more from its target, and what it holds
/// back at the source. Its rows are the program's.
[[nodiscard]] result<void> forget_projection(const store& source, const store& target,
                                             const projection_version& which);

}}  // namespace nexus::v0
