#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "text.hpp"

namespace bank {

progress::progress(std::string_view unit, std::chrono::milliseconds line_every)
    : unit_{unit},
      terminal_{isatty(STDERR_FILENO) == 1},
      every_{terminal_ ? std::chrono::milliseconds{100} : line_every} {}

progress::~progress() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
}

void progress::note(std::string_view text) {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  fmt::print(stderr, "bank: {}\n", printable(text));
}

void progress::update(std::size_t done, std::size_t total) {
  if (every_ == steady::duration{} || total == 0) return;
  const auto now = steady::now();
  if (now < next_) return;
  next_ = now + every_;
  const std::chrono::duration<double> seconds = now - begin_;
  const double rate = seconds.count() > 0 ? static_cast<double>(done) / seconds.count() : 0;
  const auto text = fmt::format("{} of {} {}, {}/s", grouped(done), grouped(total), unit_,
                                grouped(static_cast<std::uint64_t>(rate)));
  if (!terminal_) return note(text);

  drawn_ = true;
  constexpr std::size_t cells = 24;
  const auto full = cells * done / total;
  const auto bar = std::string(full, '#') + std::string(cells - full, '.');
  fmt::print(stderr, "\r\x1b[K[{}] {:3} %  {}", bar, 100 * done / total, text);
  std::fflush(stderr);
}

}  // namespace bank
