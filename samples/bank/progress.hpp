// A progress bar on stderr, if that is a terminal; else only notes, or a line now and then.
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
  /// `unit` is what is counted, e.g. "postings". Without a terminal a line comes each `line_every`;
  /// 0: never.
  explicit progress(std::string_view unit, std::chrono::milliseconds line_every = {});
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Prints a line, also without a bar.
  void note(std::string_view text);

  /// Cheap enough for every posting.
  void update(std::size_t done, std::size_t total);

 private:
  using steady = std::chrono::steady_clock;

  std::string unit_;
  bool terminal_;
  steady::duration every_;
  bool drawn_ = false;
  steady::time_point begin_ = steady::now();
  steady::time_point next_ = begin_;
};

}  // namespace bank
