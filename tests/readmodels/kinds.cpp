#include <nexus/memory.hpp>
#include <nexus/postgres.hpp>
#include <nexus/sqlite.hpp>

#include "cluster.hpp"
#include "fixture.hpp"

nexus::test::store_kinds nexus::test::kinds_of_store() {
  return {{"memory", "sqlite", "postgresql"},
          [](const std::string& kind, const temporary_folder& in) -> std::string {
            if (kind == "memory") return "memory:";
            if (kind == "sqlite") return "sqlite:" + in.path("j.db");
            return cluster::shared().fresh_schema();
          },
          {memory_backend(), sqlite_backend(), postgres_backend()}};
}
