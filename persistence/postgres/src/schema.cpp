#include "schema.hpp"

#include <fmt/format.h>

#include <utility>

#include "drift.hpp"
#include "layout.hpp"
#include "migration.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

class postgres_schema final : public schema {
 public:
  explicit postgres_schema(address where) : where_{std::move(where)} {}

  std::string ddl() const override {
    return fmt::format("BEGIN;\n\n{}\nCOMMIT;\n", postgres::ddl(where_.tables, where_.schema));
  }
  result<schema_status> check() override {
    return with_connection("check the tables", [&](connection& c) -> result<schema_status> {
      schema_status status{.found = 0, .known = schema_version, .differences = {}};
      auto found = found_version(c, where_);
      if (!found) {
        status.differences.push_back(std::move(found.error().message));
        return status;
      }
      status.found = *found;
      if (*found != 0 && *found != schema_version) {
        status.differences.push_back(other_version(where_.name, *found, schema_version).message);
      } else if (*found != 0) {
        status.differences = differences(c, where_);
        if (differences(c, where_, drift::of_tables).empty()) {
          auto own = refuse_restored(c, where_);
          if (!own) status.differences.push_back(std::move(own.error().message));
        }
      } else {
        status.differences.push_back("there are no tables");
      }
      return status;
    });
  }
  result<void> create() override {
    return with_connection("create the tables",
                           [&](connection& c) { return create_tables(c, where_); });
  }
  result<unsigned> migrate() override {
    return with_connection("migrate the tables",
                           [&](connection& c) { return migrate_tables(c, where_); });
  }
  result<void> drop() override {
    return with_connection("drop the tables",
                           [&](connection& c) { return drop_tables(c, where_); });
  }

 private:
  template <class Work>
  auto with_connection(std::string_view doing, Work&& work)
      -> decltype(work(std::declval<connection&>())) {
    return attempt(where_.name, doing, [&] {
      connection c{where_};
      return work(c);
    });
  }

  const address where_;
};

}  // namespace

std::unique_ptr<schema> make_schema(address where) {
  return std::make_unique<postgres_schema>(std::move(where));
}

}}}  // namespace nexus::v0::postgres
