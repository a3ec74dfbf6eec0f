#include <nexus/dynamodb.hpp>

#include "fixture.hpp"
#include "local_server.hpp"

nexus::test::store_kinds nexus::test::kinds_of_store() {
  return {{"dynamodb"},
          [](const std::string&, const temporary_folder&) {
            return local_server::shared().fresh_journal("strands=1");
          },
          {dynamodb_backend()}};
}
