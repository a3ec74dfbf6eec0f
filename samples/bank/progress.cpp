#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "text.hpp"

namespace bank {

progress::progress(std::size_t total) : total_{total}, terminal_{isatty(STDERR_FILENO) == 1} {}

progress::~progress() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
}

void progress::note(std::string_view text) {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  fmt::print(stderr, "bank: {}\n", printable(text));
}

void progress::update(std::size_t done) {
  if (!terminal_ || total_ == 0) return;
  const auto now = steady::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds{100};
  drawn_ = true;

  constexpr std::size_t cells = 24;
  const auto full = cells * done / total_;
  const auto bar = std::string(full, '#') + std::string(cells - full, '.');
  const std::chrono::duration<double> seconds = now - begin_;
  const double rate = seconds.count() > 0 ? static_cast<double>(done) / seconds.count() : 0;
  fmt::print(stderr, "\r\x1b[K[{}] {:3} %  {} of {} postings, {}/s", bar, 100 * done / total_,
             grouped(done), grouped(total_), grouped(static_cast<std::uint64_t>(rate)));
  std::fflush(stderr);
}

}  // namespace bank
