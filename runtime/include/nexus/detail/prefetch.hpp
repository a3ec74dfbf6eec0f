// Asks for memory ahead of its use, where a loop visits objects that other cores have written.
#pragma once

#include <cstddef>

namespace nexus { inline namespace v0 { namespace detail {

/// The first `bytes` from `begin`, which may be null or end earlier.
inline void prefetch(const void* begin, std::size_t bytes) noexcept {
  constexpr std::size_t line = 64;
  for (std::size_t at = 0; at < bytes; at += line) {
    __builtin_prefetch(static_cast<const char*>(begin) + at);
  }
}

}}}  // namespace nexus::v0::detail
