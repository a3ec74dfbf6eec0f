// Calls a function of the program whose exceptions must not get further: on a thread of Nexus,
// under a lock, or among other functions that must be called too.
//
// Threads: the caller's. Throws: nothing.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

/// The text of the exception being handled. Call it only inside a catch block.
[[nodiscard]] std::string thrown_text() noexcept;

/// Calls `f()`. If `f` throws, calls `failed(text)` and returns false. `failed` must not throw.
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

}}}
