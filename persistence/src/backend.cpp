#include "nexus/backend.hpp"

#include <fmt/format.h>

#include <string>

namespace nexus { inline namespace v0 {

result<const backend*> backend_for(const uri& address, std::span<const backend> backends) {
  std::string known;
  for (const auto& b : backends) {
    if (b.scheme == address.scheme) return &b;
    known += fmt::format("{}{}:", known.empty() ? "" : ", ", b.scheme);
  }
  return fail(errc::invalid_argument,
              fmt::format("journal URI \"{}\": unknown scheme \"{}:\"; known: {}", address.shown(),
                          address.scheme, known));
}

}}  // namespace nexus::v0
