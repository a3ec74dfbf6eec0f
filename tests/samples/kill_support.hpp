// What the tests that kill share: how long, and a seed that can be given again.
#pragma once

#include <cstdlib>
#include <iostream>
#include <random>

namespace samples {

/// More of everything when NEXUS_LONG_TESTS is set.
[[nodiscard]] inline int times(int usually, int when_long) {
  return std::getenv("NEXUS_LONG_TESTS") != nullptr ? when_long : usually;
}

/// Seeded by NEXUS_SEED, else anew each time; prints which.
[[nodiscard]] inline std::mt19937_64 random_source() {
  const char* given = std::getenv("NEXUS_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "NEXUS_SEED=" << seed << '\n';
  return std::mt19937_64{seed};
}

}  // namespace samples
