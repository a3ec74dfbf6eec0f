// Shared by the tests that kill: their length, and a repeatable seed.
#pragma once

#include <cstdlib>
#include <iostream>
#include <random>

namespace samples {

/// A larger number when NEXUS_LONG_TESTS is set.
[[nodiscard]] inline int times(int usually, int when_long) {
  return std::getenv("NEXUS_LONG_TESTS") != nullptr ? when_long : usually;
}

/// Seeded by NEXUS_SEED, else randomly; prints the seed.
[[nodiscard]] inline std::mt19937_64 random_source() {
  const char* given = std::getenv("NEXUS_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "NEXUS_SEED=" << seed << '\n';
  return std::mt19937_64{seed};
}

}  // namespace samples
