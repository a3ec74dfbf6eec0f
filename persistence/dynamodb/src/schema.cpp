#include "schema.hpp"

#include <fmt/format.h>

#include <utility>

#include "client.hpp"
#include "documents.hpp"
#include "tables.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

class table_schema final : public nexus::schema {
 public:
  explicit table_schema(address where) : where_{std::move(where)} {}

  // The item that says what the journal is made by its first opening, as in tables of `create`.
  std::string ddl() const override {
    return shape_of_journal().dump(2) + "\n" + shape_of_read_models().dump(2) + "\n";
  }

  result<schema_status> check() override {
    // The version follows from the indexes: there is none to migrate to.
    const auto known = journal_meta::version_of(where_.indexes.value_or(chosen_indexes{}));
    schema_status status{.found = 0, .known = known, .differences = {}};
    auto server = server_of(where_);
    if (!server) return fail(std::move(server.error()));
    client by{*std::move(server)};
    bool all_there = true;
    for (const auto& shape : {shape_of_journal(), shape_of_read_models()}) {
      auto found = compare_table(by, shape);
      if (!found) return fail(std::move(found.error()));
      if (!*found) continue;
      status.differences.push_back(**found);
      all_there = false;
    }
    if (!all_there) return status;
    auto meta = read_meta(by, where_);
    if (!meta) {
      status.differences.push_back(meta.error().message);
    } else if (*meta) {
      status.found = status.known = (*meta)->version;
    }  // else the first opening writes it
    return status;
  }

  result<void> create() override {
    auto done = make();
    if (!done) return fail(std::move(done.error()));
    return {};
  }

  result<unsigned> migrate() override { return make(); }

  result<void> drop() override {
    auto server = server_of(where_);
    if (!server) return fail(std::move(server.error()));
    client by{*std::move(server)};
    for (const auto& shape : {shape_of_journal(), shape_of_read_models()}) {
      auto found = compare_table(by, shape);
      if (!found) return fail(std::move(found.error()));
      const auto name = shape.value("TableName", "");
      if (*found && is_missing(**found)) continue;
      if (*found) return fail(errc::foreign_schema, **found);
      if (name == where_.journal_table()) {
        if (auto meta = read_meta(by, where_); !meta) return fail(std::move(meta.error()));
      }
      json which;
      which["TableName"] = name;
      auto gone = by.call("DeleteTable", which);
      if (!gone) return fail(error_of(gone.error(), "dynamodb: dropping the table " + name));
    }
    return {};
  }

 private:
  [[nodiscard]] json shape_of_journal() const { return journal_table(where_.journal_table()); }
  [[nodiscard]] json shape_of_read_models() const { return read_models_table(where_.read_models); }

  result<unsigned> make() {
    auto where = where_;
    where.creates = true;
    auto server = server_of(where);
    if (!server) return fail(std::move(server.error()));
    client by{*std::move(server)};
    json which;
    which["TableName"] = where.journal_table();
    const bool was_there = by.call("DescribeTable", which).has_value();
    auto meta = open_tables(by, where);
    if (!meta) return fail(std::move(meta.error()));
    auto rows = open_table(by, where.read_models, shape_of_read_models(), true);
    if (!rows) return fail(std::move(rows.error()));
    return was_there ? meta->version : 0U;
  }

  const address where_;
};

}  // namespace

result<std::shared_ptr<endpoint>> server_of(const address& where) {
  auto server = std::make_shared<endpoint>();
  server->url = where.url;
  server->host = where.host;
  server->region = where.region;
  server->ca = where.ca;
  server->within.call = where.timeout;
  if (auto who = server->credentials.get(); !who) return fail(std::move(who.error()));
  return server;
}

std::unique_ptr<nexus::schema> make_schema(address where) {
  return std::make_unique<table_schema>(std::move(where));
}

}}}  // namespace nexus::v0::dynamodb
