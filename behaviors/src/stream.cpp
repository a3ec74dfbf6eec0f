#include "nexus/stream.hpp"

#include <fmt/format.h>

namespace nexus { inline namespace v0 {

error detail::undecoded(std::string_view kind, sequence_nr number, const persistence_id& of,
                        const error& why) {
  return {why.code, fmt::format("{} {} of {}: {}", kind, number, of.str(), why.message)};
}

}}  // namespace nexus::v0
