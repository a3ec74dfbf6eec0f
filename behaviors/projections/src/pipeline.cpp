#include "pipeline.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "batch_by_strand.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/journal_errors.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds open_pause_min = 20ms;
constexpr std::chrono::nanoseconds open_pause_max = 10s;

}  // namespace

projection_pipeline::projection_pipeline(const projection_setup& of, projection_counts& counts,
                                         std::vector<projection_cell> cells, std::uint32_t strands,
                                         bool by_strand, projection_worker::reports to)
    : of_{of},
      counts_{counts},
      strands_{strands},
      by_strand_{by_strand},
      to_{std::move(to)},
      cells_{std::move(cells)},
      group_of_(std::size_t{strands} * cells_per_strand) {
  const auto count = std::min<std::size_t>(of_.workers, cells_.size());
  groups_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto from = cells_.begin() + static_cast<std::ptrdiff_t>(cells_.size() * i / count);
    const auto end = cells_.begin() + static_cast<std::ptrdiff_t>(cells_.size() * (i + 1) / count);
    cell_group some{{from, end}};
    auto worker = std::make_unique<projection_worker>(of_, counts_, some, to_);
    groups_.push_back({std::move(worker), std::move(some), nullptr, {}});
    for (auto at = from; at != end; ++at) group_of_[at->cell] = &groups_.back();
  }
  read_to_ = {selection().filter.after, counts_.read.load()};
  for (auto& one : groups_) one.thread = std::thread{[w = one.worker.get()] { w->run(); }};
  reading_ = std::thread{[this] { read(); }};
}

projection_pipeline::~projection_pipeline() { end(); }

void projection_pipeline::end() {
  if (!reading_.joinable()) return;
  {
    std::lock_guard guard{lock_};
    stopped_ = true;
    if (reader_) reader_->stop();
  }
  for (auto& one : groups_) one.worker->queue().stop();
  reading_.join();
  for (auto& one : groups_) one.thread.join();
}

bool projection_pipeline::works_on(const std::vector<projection_cell>& cells) const {
  return std::ranges::equal(cells_, cells, {}, &projection_cell::cell, &projection_cell::cell);
}

std::vector<projection_cell> projection_pipeline::committed() const {
  std::vector<projection_cell> all;
  for (const auto& one : groups_) {
    auto some = one.worker->committed();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::optional<timestamp> projection_pipeline::oldest() const {
  std::optional<timestamp> least;
  for (const auto& one : groups_) {
    const auto its = one.worker->oldest();
    if (its && (!least || *its < *least)) least = its;
  }
  return least;
}

void projection_pipeline::want_flush(bool wanted) {
  for (auto& one : groups_) one.worker->queue().want_flush(wanted);
}

projection_pipeline::reading projection_pipeline::read_to() const {
  std::lock_guard guard{lock_};
  return read_to_;
}

// From the slowest cell of each strand on; only the slices around the cells.
journal_selection projection_pipeline::selection() const {
  const cell_group all{cells_};
  journal_selection made{.what = journal_selection::kind::events};
  made.filter.entity_type = std::string{of_.handler->entity_type()};
  made.filter.tag = of_.options.tag;
  made.filter.slices = of_.options.slices;
  if (cells_.size() < group_of_.size()) {
    auto slices = slices_of_cells(cells_.front().cell, cells_.back().cell, strands_);
    if (of_.options.slices) {
      slices.first = std::max(slices.first, of_.options.slices->first);
      slices.last = std::min(slices.last, of_.options.slices->last);
    }
    // Slices of other cells only: nothing will match, but the positions go on.
    if (slices.first <= slices.last) made.filter.slices = slices;
  }
  for (std::uint32_t strand = 0; strand < strands_; ++strand) {
    if (const auto* at = all.slowest(strand)) made.filter.after.push_back(*at);
  }
  made.from_kept = of_.options.from_kept;
  made.tells_moves = true;
  return made;
}

std::size_t projection_pipeline::records_at_once() const {
  return std::min<std::size_t>(of_.options.batch_max * groups_.size(), event_page::limit_max);
}

std::unique_ptr<projected_batch> projection_pipeline::make_batch() const {
  if (by_strand_) return std::make_unique<batch_by_strand>(*of_.handler);
  return of_.handler->make_batch();
}

result<std::unique_ptr<journal_reader>> projection_pipeline::open() {
  return journal_reader::open(
      of_.source, selection(),
      {.poll_every = of_.options.poll_every, .batch_max = records_at_once()});
}

void projection_pipeline::read() {
  growing_pause pause{open_pause_min, open_pause_max};
  auto& sleeper = groups_.front().worker->queue();
  while (!stopped_) {
    auto opened = open();
    if (!opened) {
      if (!failed(std::move(opened.error())) || !sleeper.pause(pause.next())) return;
      continue;
    }
    pause.reset();
    journal_reader* from = nullptr;
    {
      std::lock_guard guard{lock_};
      if (stopped_) return;
      reader_ = *std::move(opened);
      from = reader_.get();
    }
    if (!read_on(*from)) return;
  }
}

// True: the error passes, and reading goes on.
bool projection_pipeline::failed(error why) {
  if (stopped_) return false;
  // After its store was closed a projection waits until it is stopped too.
  if (may_pass(why.code) || why.code == errc::stopped || why.code == errc::pool_closed) {
    in_trouble_ = true;
    to_.trouble(std::move(why));
    return true;
  }
  to_.ended({projection_end::kind::failed, std::move(why)});
  return false;
}

bool projection_pipeline::read_on(journal_reader& from) {
  for (;;) {
    auto there = from.await(std::chrono::hours{1});  // the reader pauses after a failure
    if (stopped_) return false;
    if (!there) {
      const bool closed = there.error().code == errc::stopped;
      if (!failed(std::move(there.error()))) return false;
      if (closed && !groups_.front().worker->queue().pause(open_pause_max)) return false;
      continue;
    }
    if (std::exchange(in_trouble_, false)) to_.trouble(std::nullopt);
    live_ = !*there;
    if (!hand_out(from)) return false;
  }
}

bool projection_pipeline::hand_out(journal_reader& from) {
  while (from.has_record()) {
    if (!put(from)) return false;
  }
  return push_all(from.at());
}

bool projection_pipeline::put(journal_reader& from) {
  const auto cell = cell_of(from.of().slice(), strands_);
  auto* to = group_of_[cell];
  const auto record = from.record();
  if (to != nullptr && to->wanted.wants(cell, record.at)) {
    if (!to->batch) to->batch = make_batch();
    const auto before = to->batch->size();
    if (auto added = to->batch->add(from.of(), record); !added) {
      return push_undecoded(*to, from, std::move(added.error()));
    }
    ++counts_.read;
    if (to->batch->size() == before) ++counts_.nothing;
  }
  from.pop();
  if (to == nullptr || !to->batch || to->batch->events() < of_.options.batch_max) return true;
  return push(*to, from.at());
}

bool projection_pipeline::push(group& to, const std::vector<position>& up_to) {
  if (!to.batch || to.batch->size() == 0) {
    to.worker->queue().move_on(up_to);
    return true;
  }
  return to.worker->queue().push({.batch = std::exchange(to.batch, nullptr), .up_to = up_to});
}

bool projection_pipeline::push_undecoded(group& to, journal_reader& from, error why) {
  const auto record = from.record();
  projection_failure which{from.of(), record.number, record.at, std::string{record.event.type}};
  if (!push(to, from.at())) return false;
  from.pop();
  ++counts_.read;
  return to.worker->queue().push(
      {.undecoded = std::move(which), .why = std::move(why), .up_to = from.at()});
}

bool projection_pipeline::push_all(const std::vector<position>& up_to) {
  {
    std::lock_guard guard{lock_};
    read_to_ = {up_to, counts_.read.load()};
  }
  for (auto& one : groups_) {
    if (!push(one, up_to)) return false;
  }
  return true;
}

}}}  // namespace nexus::v0::detail
