#include "answer.hpp"

#include <cstdlib>
#include <cstring>

namespace nexus { inline namespace v0 { namespace postgres {

std::int64_t rows::int8(int row, int column) const noexcept {
  const auto found = bytes(row, column);
  std::uint64_t value = 0;
  if (found.size() != sizeof value) return 0;
  std::memcpy(&value, found.data(), sizeof value);
  return static_cast<std::int64_t>(__builtin_bswap64(value));
}

std::int64_t rows::affected() const noexcept {
  return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10);
}

}}}  // namespace nexus::v0::postgres
