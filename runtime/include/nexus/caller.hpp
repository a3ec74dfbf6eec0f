// The place in the program that calls a function, as a default argument of that function.
//
// It replaces std::source_location, which clang before 16 lacks with libstdc++.
#pragma once

namespace nexus { inline namespace v0 {

struct caller {
  const char* file = "";
  unsigned line = 0;

  [[nodiscard]] static constexpr caller here(const char* file = __builtin_FILE(),
                                             unsigned line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

}}  // namespace nexus::v0
