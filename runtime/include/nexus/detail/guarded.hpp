// Calling a program's own function where nothing that it throws may get further: on a thread of ours,
// under a lock, or in the middle of others that wait to be called.
//
// Threads: the caller's. Throws: nothing.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace nexus::inline v0::detail {

/// The sentence of what is being handled; only inside a catch block.
[[nodiscard]] std::string thrown_text() noexcept;

/// Calls `f()`; if that throws, calls `failed(text)` and answers false. `failed` must not throw.
template <class F, class G>
bool guarded(F&& f, G&& failed) noexcept {
  try {
    std::forward<F>(f)();
    return true;
  } catch (...) {
    std::forward<G>(failed)(thrown_text());
    return false;
  }
}

}
