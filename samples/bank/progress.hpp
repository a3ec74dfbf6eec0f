// A progress bar on stderr, if that is a terminal; else only notes.
//
// Threads: one. Redraws at most ten times a second; the destructor clears the line.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace bank {

class progress {
 public:
  explicit progress(std::size_t total);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Prints a line, also without a bar.
  void note(std::string_view text);

  /// Cheap enough for every posting.
  void update(std::size_t done);

 private:
  using steady = std::chrono::steady_clock;

  std::size_t total_;
  bool terminal_;
  bool drawn_ = false;
  steady::time_point begin_ = steady::now();
  steady::time_point next_ = begin_;
};

}  // namespace bank
