// A bar on stderr, if that is a terminal; else nothing but notes.
//
// Threads: one. Redraws at most ten times a second and clears its line when it goes.
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

  /// A line of its own, also where there is no bar.
  void note(std::string_view text);

  /// Cheap enough to be called after every posting.
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
