#include "constraints.hpp"

#include <fmt/format.h>

#include <utility>

#include "connection.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

// A unique index need not be a constraint; it has the columns that it only carries in its key, too.
// An expression has no row in pg_attribute.
constexpr auto sql = R"sql(
SELECT n.nspname, c.relname, k.name, a.attname
FROM (SELECT conrelid AS of, conname AS name, conkey AS keys
        FROM pg_catalog.pg_constraint WHERE conrelid <> 0 AND contype <> 't'
      UNION ALL
      SELECT i.indrelid, x.relname, (i.indkey::int2[])[0:i.indnkeyatts - 1]
        FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
        WHERE i.indisunique AND NOT EXISTS (
          SELECT 1 FROM pg_catalog.pg_constraint o
          WHERE o.conindid = i.indexrelid AND o.conrelid = i.indrelid AND o.conname = x.relname)) k
JOIN pg_catalog.pg_class c ON c.oid = k.of
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL unnest(k.keys) WITH ORDINALITY AS u (number, at) ON true
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = k.of AND a.attnum = u.number
WHERE n.nspname = ANY(pg_catalog.current_schemas(true) || ARRAY[{}]::name[])
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY k.of, k.name, u.at LIMIT {}
)sql";

}  // namespace

void constraint_catalog::read(connection& c) {
  std::string schemas;
  {
    const std::lock_guard guard{mutex_};
    // Set before reading, as changes of the meantime are to be noticed; and also if reading fails:
    // no transaction is to wait for a server in trouble again.
    due_ = false;
    read_at_ = std::chrono::steady_clock::now();
    for (const auto& one : schemas_) schemas += (schemas.empty() ? "" : ", ") + c.literal(one);
  }
  const auto found = c.execute(fmt::format(sql, schemas, rows_max));
  const auto text = [&](int row, int column) { return std::string{found.bytes(row, column)}; };
  std::map<key, std::vector<std::string>> columns;
  std::set<std::string> read;
  key last;
  for (int row = 0; row < found.size(); ++row) {
    last = {text(row, 0), text(row, 1), text(row, 2)};
    read.insert(std::get<0>(last));
    auto& all = columns[last];
    if (!found.is_null(row, 3)) all.push_back(text(row, 3));
  }
  if (found.size() == rows_max) columns.erase(last);  // not all of its columns may be there
  const std::lock_guard guard{mutex_};
  columns_ = std::move(columns);
  schemas_.merge(read);
  if (schemas_.size() > schemas_max) schemas_.clear();
}

bool constraint_catalog::complete(const std::string& schema, broken_constraint& what) {
  const std::lock_guard guard{mutex_};
  const auto age = std::chrono::steady_clock::now() - read_at_;
  const auto found = columns_.find({schema, what.table, what.name});
  if (found != columns_.end()) {
    what.columns = found->second;
    return age < age_max;
  }
  if (!schema.empty() && schemas_.insert(schema).second) return false;
  return age < std::chrono::seconds{1};
}

}}}  // namespace nexus::v0::postgres
