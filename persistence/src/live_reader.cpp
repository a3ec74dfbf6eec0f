#include "nexus/live_reader.hpp"

#include "nexus/detail/journal_reader.hpp"

namespace nexus { inline namespace v0 {

result<live_reader> live_reader::open(const store& from, reading_start start,
                                      live_reader_options options) {
  detail::journal_selection strand;
  strand.filter.after = {start.after};
  strand.from_kept = start.from_kept;
  auto made = detail::journal_reader::open(from, std::move(strand), options);
  if (!made) return fail(std::move(made.error()));
  return live_reader{*std::move(made)};
}

live_reader::live_reader(std::unique_ptr<detail::journal_reader> made) noexcept
    : core_{std::move(made)} {}
live_reader::~live_reader() = default;
live_reader::live_reader(live_reader&&) noexcept = default;
live_reader& live_reader::operator=(live_reader&&) noexcept = default;

result<std::size_t> live_reader::read(const journal_sink& sink, time_span within) {
  auto more = core_->await(within);
  if (!more) return fail(std::move(more.error()));
  std::size_t passed = 0;
  for (; *more && core_->has_record(); ++passed) {
    *more = sink(core_->of(), core_->record());  // may throw: then the record comes again
    core_->pop();
  }
  return passed;
}

position live_reader::at() const noexcept { return core_->at().front(); }

void live_reader::stop() noexcept { core_->stop(); }

}}  // namespace nexus::v0
