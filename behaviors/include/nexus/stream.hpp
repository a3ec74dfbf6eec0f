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

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nexus/detail/journal_reader.hpp"
#include "nexus/detail/saturating.hpp"
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

namespace detail {

/// One record may be none or several items.
template <class Item>
concept made_in_parts = requires { requires Item::has_parts; };

/// The items of the record in front that were not passed yet.
template <class Item>
class record_parts {
 public:
  /// Reads the record, unless that was done. Passes records that are no items, and so may end
  /// without any.
  [[nodiscard]] result<bool> fill(journal_reader& from) {
    while (next_ == items_.size() && from.has_record()) {
      std::vector<Item> made;
      if (auto read = Item::of_record_parts(from.of(), from.record(), made); !read) {
        return fail(std::move(read.error()));
      }
      items_ = std::move(made);
      next_ = std::exchange(passed_, 0);
      if (items_.size() <= next_) end_record(from);
    }
    return next_ < items_.size();
  }

  /// Passes the next item to `use`; it comes again if that throws. The record counts as read with
  /// its last item.
  template <class Use>
  auto pass(journal_reader& from, Use use) {
    struct again {
      record_parts& of;
      bool passed = false;
      ~again() {
        if (!passed) of.forget();
      }
    } otherwise{*this};
    auto used = use(std::move(items_[next_]));
    otherwise.passed = true;
    if (++next_ == items_.size()) end_record(from);
    return used;
  }

 private:
  void end_record(journal_reader& from) {
    items_.clear();
    next_ = passed_ = 0;
    from.pop();
  }

  // An item was moved from: the record is read again.
  void forget() noexcept {
    passed_ = next_;
    items_.clear();
    next_ = 0;
  }

  std::vector<Item> items_;
  std::size_t next_ = 0;
  std::size_t passed_ = 0;  // of a record that has to be read again
};
struct no_parts {};

}

/// `Item` is made by `result<Item> Item::of_record(persistence_id, record_view)`; or, if
/// Item::has_parts, by `result<void> Item::of_record_parts(…, std::vector<Item>&)`.
template <class Item>
class stream {
  static constexpr bool in_parts = detail::made_in_parts<Item>;

 public:
  explicit stream(std::unique_ptr<detail::journal_reader> from) noexcept : from_{std::move(from)} {}

  /// The next item; waits for one up to `within`. None: none came in time, or the stream has ended.
  [[nodiscard]] result<std::optional<Item>> next(time_span within = {}) {
    auto there = await(within);
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
    auto more = await(within);
    if (!more) return fail(std::move(more.error()));
    std::size_t passed = 0;
    while (*more) {
      auto there = has_item();
      if (!there && passed == 0) return fail(std::move(there.error()));
      if (!there || !*there) break;
      if (auto done = pass([&](Item&& one) { return static_cast<bool>(sink(std::move(one))); })) {
        *more = *done;
        ++passed;
      } else if (passed == 0) {
        return fail(std::move(done.error()));
      } else {
        break;
      }
    }
    return passed;
  }

  /// True when the stream has no more items: it is of `current()`, and all have been read. (Events
  /// that a behavior adapts to nothing are read by `next`, which then returns none.)
  [[nodiscard]] bool ended() const noexcept { return from_->ended(); }

  /// Where to continue after a restart: at most one position per strand, behind the items read.
  /// Store it together with what was made of the items. Of an event that comes in parts, it is
  /// before all of them until the last one was read.
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
  // True: there is an item, or one that does not decode.
  result<bool> await(std::chrono::nanoseconds within) {
    if constexpr (in_parts) {
      const auto until = detail::later(std::chrono::steady_clock::now(), within);
      for (auto left = within;;) {
        auto more = from_->await(left);
        if (!more || !*more) return more;
        auto there = parts_.fill(*from_);
        if (!there || *there) return there;
        left = std::max(std::chrono::nanoseconds{},
                        detail::between(std::chrono::steady_clock::now(), until));
      }
    } else {
      return from_->await(within);
    }
  }

  // Without waiting.
  result<bool> has_item() {
    if constexpr (in_parts) {
      return parts_.fill(*from_);
    } else {
      return from_->has_record();
    }
  }

  // Passes the item that is there; it counts as read unless `use` throws.
  template <class Use>
  auto pass(Use use) -> result<decltype(use(std::declval<Item>()))> {
    if constexpr (in_parts) {
      return parts_.pass(*from_, use);
    } else {
      auto made = Item::of_record(from_->of(), from_->record());
      if (!made) return fail(std::move(made.error()));
      auto used = use(*std::move(made));
      from_->pop();
      return used;
    }
  }

  result<std::optional<Item>> take() {
    return pass([](Item&& one) { return std::optional<Item>{std::move(one)}; });
  }

  std::unique_ptr<detail::journal_reader> from_;
  [[no_unique_address]] std::conditional_t<in_parts, detail::record_parts<Item>, detail::no_parts>
      parts_;
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
