// Opens the file for each call.
#include "schema.hpp"

#include <SQLiteCpp/Transaction.h>

#include <utility>

#include "database.hpp"
#include "drift.hpp"
#include "errors.hpp"
#include "migration.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

using opening = schema_choices::opening;

class file_schema final : public nexus::schema {
 public:
  file_schema(address where, const layout& of) : where_{std::move(where)}, of_{of} {}

  std::string ddl() const override { return sqlite::ddl(where_.with(of_)); }

  result<schema_status> check() override {
    schema_status status{.found = 0, .known = of_.version, .differences = {}};
    auto compared = compare_with(status);
    if (compared) return status;
    if (compared.error().code != errc::foreign_schema) return fail(std::move(compared.error()));
    status.differences = {compared.error().message};
    return status;
  }

  result<void> create() override {
    auto found = make(opening::create, "create tables");
    if (!found) return fail(std::move(found.error()));
    return {};
  }

  result<unsigned> migrate() override { return make(opening::migrate, "migrate"); }

  result<void> drop() override {
    auto db = open_file(where_, access::write);
    if (!db) return fail(std::move(db.error()));
    if (*db == nullptr) return {};
    return attempt(where_.name, "drop", [&] { return drop_tables(**db, where_.with(of_)); });
  }

 private:
  result<unsigned> make(opening how, std::string_view doing) {
    auto where = where_;
    where.choices.tables = how;
    auto db = open_file(where, access::create);
    if (!db) return fail(std::move(db.error()));
    return attempt(where.name, doing, [&] { return set_up(**db, where, open_mode::create, of_); });
  }

  result<void> compare_with(schema_status& status) {
    auto db = open_file(where_, access::read);
    if (!db) return fail(std::move(db.error()));
    if (*db == nullptr) {
      status.differences.push_back(where_.name + ": there is no such file");
      return {};
    }
    return attempt(where_.name, "check", [&] { return compare_with(status, **db); });
  }

  result<void> compare_with(schema_status& status, journal_database& db) {
    db.exec("PRAGMA query_only = on");
    const SQLite::Transaction reading{db};  // one consistent view, whatever other processes do
    const auto ours = where_.with(of_);
    auto found = found_version(db, ours);
    if (!found) return fail(std::move(found.error()));
    status.found = *found;
    if (*found == 0) {
      status.differences.push_back(where_.name + ": there are no tables of a journal");
    } else if (*found != of_.version) {
      status.differences.push_back(other_version(where_.name, *found, of_.version).message);
    } else {
      for (auto& one : differences(db, ours)) status.differences.push_back(std::move(one.line));
    }
    return {};
  }

  const address where_;
  const layout& of_;
};

}  // namespace

std::unique_ptr<nexus::schema> make_schema(address where, const layout& of) {
  return std::make_unique<file_schema>(std::move(where), of);
}

}}}  // namespace nexus::v0::sqlite
