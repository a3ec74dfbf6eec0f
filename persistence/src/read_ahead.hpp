// Records of a journal reader between the session that read them and the sink, so that no session is
// held while a function of the program runs.
//
// Threads: one at a time. Bound: the records of one read, and 4 MiB of them, or one larger record.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/detail/event_batch.hpp"

namespace nexus { inline namespace v0 {

class read_ahead {
 public:
  static constexpr std::size_t bytes_max = std::size_t{4} << 20;

  [[nodiscard]] bool empty() const noexcept { return next_ == records_.size(); }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size() - next_; }
  [[nodiscard]] const persistence_id& of() const noexcept { return *records_[next_].of; }
  [[nodiscard]] record_view front() const noexcept {
    const auto& r = records_[next_];
    return {r.number, r.at, r.writer, events_->events()[next_]};
  }
  [[nodiscard]] sequence_nr last_number() const noexcept { return records_.back().number; }
  /// Removes the front, which was passed.
  void pop() noexcept {
    if (++next_ == records_.size()) clear();
  }

  /// Copies a record; false if no more should come.
  bool add(const persistence_id& of, const record_view& r) {
    if (events_ == nullptr) events_ = std::make_unique<detail::event_batch>();
    if (ids_.empty() || ids_.back() != of) ids_.push_back(of);
    auto event = r.event;
    event.type = kept(type_, r.event.type);
    event.codec = kept(codec_, r.event.codec);
    events_->add(event);
    records_.push_back({&ids_.back(), r.number, r.at, r.writer});
    return events_->bytes() + records_.size() * (sizeof(record) + sizeof(event_view)) < bytes_max;
  }

  void clear() noexcept {
    records_.clear();
    events_.reset();
    ids_.clear();
    names_.clear();
    type_ = codec_ = {};
    next_ = 0;
  }

 private:
  struct record {
    const persistence_id* of;
    sequence_nr number;
    position at;
    ulid writer;
  };

  // Neighbours mostly have the same type and codec, which are then stored once.
  std::string_view kept(std::string_view& last, std::string_view text) {
    if (last.data() == nullptr || last != text) last = names_.emplace_back(text);
    return last;
  }

  std::vector<record> records_;
  std::unique_ptr<detail::event_batch> events_;  // one event per record
  std::deque<persistence_id> ids_;
  std::deque<std::string> names_;
  std::string_view type_;  // of the last record
  std::string_view codec_;
  std::size_t next_ = 0;
};

}}  // namespace nexus::v0
