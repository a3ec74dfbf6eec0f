// A stream of decoded items: events of nexus/events.hpp, states of nexus/states.hpp.
//
//   auto all = nexus::events<account>{store}.live();
//   if (!all) return complain(all.error().message);
//   while (auto next = all->next(10s)) {       // an error: see below
//     if (*next) print((*next)->id, (*next)->event);
//   }
//
// Threads: a stream belongs to one thread at a time, which may block; only `stop` may come from any
// thread. On a thread that must not wait, `next` and `read` return what there is, and `would_block`
// instead of waiting. `to` feeds a CAF actor.
// Back-pressure: the stream reads when it is asked. Bound: one batch (live_reader_options) and
// 4 MiB of stored bytes.
// Failures: those of the storage; the next call retries after a pause that grows up to poll_every.
//   history_erased   events that were not read yet have been erased
//   foreign_position   a position is of another journal, or past the end of this one
//   unknown_type, unsupported_version, corrupt   an item does not decode; the message names its id
//                    and number. The stream stays there: the next call fails again
//   stopped          after `stop`, and after the store was closed
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/detail/journal_reader.hpp"
#include "nexus/feed.hpp"
#include "nexus/journal_errors.hpp"
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 {
namespace detail {

/// The error of an item, with the name of the item.
[[nodiscard]] error undecoded(std::string_view kind, sequence_nr number, const persistence_id& of,
                              const error& why);

/// The parts that descriptions of streams share; `Self` derives from it.
template <class Self>
class selecting {
 public:
  /// Those of one entity. An id of an entity that does not exist is no error.
  [[nodiscard]] Self of(std::string_view id) const {
    return with([&](auto& which) { which.filter.entity_id = std::string{id}; });
  }
  /// Those of the ids in these slices.
  [[nodiscard]] Self in(slice_range slices) const {
    return with([&](auto& which) { which.filter.slices = slices; });
  }
  /// Those past a position, or past one position per strand; other strands are read from their
  /// start. Replaces earlier positions.
  [[nodiscard]] Self after(const position& at) const { return after(std::vector{at}); }
  [[nodiscard]] Self after(std::vector<position> at) const {
    return with([&](auto& which) { which.filter.after = std::move(at); });
  }

 protected:
  selecting(store from, journal_selection::kind what, std::string_view entity_type,
            const live_reader_options& options)
      : from_{std::move(from)}, options_{options} {
    which_.what = what;
    which_.filter.entity_type = std::string{entity_type};
  }

  template <class Change>
  [[nodiscard]] Self with(Change change) const {
    Self made{static_cast<const Self&>(*this)};
    change(static_cast<selecting&>(made).which_);
    return made;
  }

  [[nodiscard]] result<std::unique_ptr<journal_reader>> open(bool live) const {
    auto which = which_;
    which.live = live;
    return journal_reader::open(from_, std::move(which), options_);
  }

 private:
  store from_;
  journal_selection which_;
  live_reader_options options_;
};

template <class Item, class F>
class stream_source;

}

/// `Item` is made by `result<Item> Item::of_record(persistence_id, record_view)`.
template <class Item>
class stream {
 public:
  explicit stream(std::unique_ptr<detail::journal_reader> from) noexcept : from_{std::move(from)} {}

  /// The next item; waits for one up to `within`. None: none came in time, or the stream has ended.
  [[nodiscard]] result<std::optional<Item>> next(time_span within = {}) {
    auto there = from_->await(within);
    if (!there) return fail(std::move(there.error()));
    if (!*there) return std::optional<Item>{};
    return take();
  }

  /// Passes a batch of items to `sink(Item) -> bool`; if there are none, waits for one, up to
  /// `within`. Returns the number of items passed. A sink that returns false ends the call, and its
  /// item counts as read; an item whose sink throws comes again. An error after the first item is
  /// returned by the next call.
  template <class Sink>
  [[nodiscard]] result<std::size_t> read(Sink&& sink, time_span within = {}) {
    auto more = from_->await(within);
    if (!more) return fail(std::move(more.error()));
    std::size_t passed = 0;
    while (*more && from_->has_record()) {
      auto made = Item::of_record(from_->of(), from_->record());
      if (!made && passed == 0) return fail(std::move(made.error()));
      if (!made) break;
      *more = sink(*std::move(made));
      from_->pop();
      ++passed;
    }
    return passed;
  }

  /// True when the stream has no more items: it is of `current()`, and all have been read.
  [[nodiscard]] bool ended() const noexcept { return from_->ended(); }

  /// Where to continue after a restart: at most one position per strand, behind the items read.
  /// Store it together with what was made of the items.
  [[nodiscard]] std::vector<position> at() const { return from_->at(); }

  /// Ends a waiting `next` or `read`; this call and all later ones return `stopped`.
  void stop() noexcept { from_->stop(); }

  /// Feeds the CAF actor `self`, inside which this is called: `handler` runs as a message of the
  /// actor for everything that `next` returns; see nexus/feed.hpp. After the end (none) and after
  /// an error that does not pass by itself, the feed ends.
  template <class F>
  [[nodiscard]] feed to(caf::scheduled_actor* self, F handler, feed_options options = {}) && {
    return feed{
        self,
        std::make_unique<detail::stream_source<Item, F>>(std::move(*this), std::move(handler)),
        options};
  }

 private:
  result<std::optional<Item>> take() {
    auto made = Item::of_record(from_->of(), from_->record());
    if (!made) return fail(std::move(made.error()));
    from_->pop();
    return std::optional<Item>{*std::move(made)};
  }

  std::unique_ptr<detail::journal_reader> from_;
};

namespace detail {

template <class Item, class F>
class stream_source final : public feed_source {
 public:
  stream_source(stream<Item> from, F handler)
      : from_{std::move(from)}, handler_{std::make_shared<F>(std::move(handler))} {}

  item next() override {
    auto got = from_.next(std::chrono::hours{1});
    if (got && !*got && !from_.ended()) return {};
    const bool last = got ? !*got : !may_pass(got.error().code);
    auto kept = std::make_shared<decltype(got)>(std::move(got));
    return {[kept, to = handler_] { (*to)(std::move(*kept)); }, last};
  }

  void stop() noexcept override { from_.stop(); }

 private:
  stream<Item> from_;
  std::shared_ptr<F> handler_;
};

}

}}  // namespace nexus::v0
