#include "nexus/nexus.hpp"
#include "nexus/sqlite.hpp"

namespace nexus::inline v0 {

result<store> open(std::string_view address, store_options options) {
  return open(address, {memory_backend(), sqlite_backend()}, options);
}

}  // namespace nexus::inline v0
