#include <array>

#include "nexus/nexus.hpp"
#include "nexus/postgres.hpp"
#include "nexus/sqlite.hpp"

namespace nexus { inline namespace v0 {
namespace {

std::array<backend, 3> every_backend() {
  return {memory_backend(), sqlite_backend(), postgres_backend()};
}

}  // namespace

result<store> open(std::string_view address, store_options options) {
  return open(address, every_backend(), options);
}

result<std::unique_ptr<schema>> open_schema(std::string_view address) {
  return open_schema(address, every_backend());
}

}}  // namespace nexus::v0
