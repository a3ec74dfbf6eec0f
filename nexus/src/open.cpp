#include <vector>

#include "nexus/nexus.hpp"
#include "nexus/postgres.hpp"
#include "nexus/sqlite.hpp"
#ifdef NEXUS_DYNAMODB
#include "nexus/dynamodb.hpp"
#endif

namespace nexus { inline namespace v0 {
namespace {

std::vector<backend> every_backend() {
  std::vector<backend> all{memory_backend(), sqlite_backend(), postgres_backend()};
#ifdef NEXUS_DYNAMODB
  all.push_back(dynamodb_backend());
#endif
  return all;
}

}  // namespace

result<store> open(std::string_view address, store_options options) {
  return open(address, every_backend(), options);
}

result<std::unique_ptr<schema>> open_schema(std::string_view address) {
  return open_schema(address, every_backend());
}

}}  // namespace nexus::v0
