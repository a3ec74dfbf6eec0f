#include "nexus/detail/row_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "row_statements.hpp"
#include "value_text.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

// From one image to the next; null: there is no row.
struct image_change {
  std::span<const sql_value> key;
  const row_image* before = nullptr;
  const row_image* after = nullptr;
  std::int64_t version = 0, next = 0;
};

bool is_null(const std::optional<sql_value>& value) {
  return !value || std::holds_alternative<std::monostate>(*value);
}

// The columns that `after` writes differently.
std::vector<std::size_t> changes(const table& of, const row_values& before,
                                 const row_values& after) {
  std::vector<std::size_t> made;
  for (std::size_t at = 0; at < after.size(); ++at) {
    if (of.columns[at].is_compared && after[at] && after[at] != before[at]) made.push_back(at);
  }
  return made;
}

// One change of an entity's rows.
class row_write {
 public:
  row_write(session& on, const entity_tables& of, const image_change& what)
      : on_{on}, of_{of}, root_{*of.root}, what_{what} {}

  result<bool> run() {
    if (what_.after == nullptr) return what_.before == nullptr ? result<bool>{true} : remove();
    return what_.before == nullptr ? insert() : update();
  }

 private:
  result<bool> insert() {
    auto row = what_.after->root;
    if (root_.version) row[*root_.version] = what_.next;
    auto done = insert_row_of(root_, row);
    if (!done && done.error().broken && of_key(*done.error().broken)) return false;
    if (!done) return fail(std::move(done.error()));
    for (std::size_t i = 0; i < of_.owned.size(); ++i) {
      for (const auto& owned : what_.after->owned[i]) {
        if (auto written = insert_row_of(*of_.owned[i].of, owned); !written) {
          return fail(std::move(written.error()));
        }
      }
    }
    return true;
  }

  result<bool> remove() {
    for (std::size_t i = of_.owned.size(); i-- > 0;) {
      for (const auto& owned : what_.before->owned[i]) {
        if (auto done = erase(*of_.owned[i].of, owned); !done) return done;
      }
    }
    sql_builder sql;
    sql.text("DELETE FROM ").text(root_.quoted).where_key(root_);
    std::vector<sql_value> with{what_.key.begin(), what_.key.end()};
    guard(sql, with, {}, true);
    return ran(sql, with);
  }

  result<bool> update() {
    const auto& before = *what_.before;
    const auto& after = *what_.after;
    auto columns = changes(root_, before.root, after.root);
    // Deleted first: a new row may take the place of an old one in a unique index.
    std::vector<std::pair<std::size_t, const row_values*>> inserted;
    std::vector<std::pair<std::size_t, std::pair<const row_values*, const row_values*>>> updated;
    bool moves = false;
    for (std::size_t i = 0; i < of_.owned.size(); ++i) {
      const auto& table = *of_.owned[i].of;
      std::map<std::string, const row_values*> old;
      for (const auto& row : before.owned[i]) old[key_text(table, row)] = &row;
      for (const auto& row : after.owned[i]) {
        const auto was = old.find(key_text(table, row));
        if (was == old.end()) {
          inserted.emplace_back(i, &row);
          continue;
        }
        if (!changes(table, *was->second, row).empty()) {
          updated.push_back({i, {was->second, &row}});
        }
        old.erase(was);
      }
      moves = moves || !old.empty();
      for (const auto& [key, row] : old) {
        if (auto done = erase(table, *row); !done || !*done) return done;
      }
    }
    moves = moves || !inserted.empty() || !updated.empty();
    // The version rises with each state, also if its rows are those of the one before.
    if (columns.empty() && !moves && !root_.version) return true;
    if (auto done = update_root(columns); !done || !*done) return done;
    for (const auto& [i, rows] : updated) {
      const auto& table = *of_.owned[i].of;
      const auto changed = changes(table, *rows.first, *rows.second);
      sql_builder sql;
      std::vector<sql_value> with;
      set(sql, with, table, *rows.second, changed);
      sql.where_key(table);
      for (const auto at : table.key) with.push_back(*(*rows.second)[at]);
      if (auto done = ran(sql, with); !done || !*done) return done;
    }
    for (const auto& [i, row] : inserted) {
      if (auto done = insert_row_of(*of_.owned[i].of, *row); !done) {
        return fail(std::move(done.error()));
      }
    }
    return true;
  }

  // Also if only owned rows change: the root's version, or its lock, guards them.
  result<bool> update_root(std::vector<std::size_t>& columns) {
    auto row = what_.after->root;
    const auto compared = columns;
    if (root_.version) {
      row[*root_.version] = what_.next;
      columns.push_back(*root_.version);
    }
    if (root_.updated) columns.push_back(*root_.updated);
    if (columns.empty()) {
      columns = root_.key;
      for (std::size_t i = 0; i < columns.size(); ++i) row[columns[i]] = what_.key[i];
    }
    sql_builder sql;
    std::vector<sql_value> with;
    set(sql, with, root_, row, columns);
    sql.where_key(root_);
    with.insert(with.end(), what_.key.begin(), what_.key.end());
    guard(sql, with, compared, compared.empty());
    return ran(sql, with);
  }

  void set(sql_builder& sql, std::vector<sql_value>& with, const table& of, const row_values& row,
           std::span<const std::size_t> columns) {
    sql.text("UPDATE ").text(of.quoted).text(" SET ");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      sql.text(i > 0 ? ", " : "").name(of, columns[i]).text(" = ").parameter();
      with.push_back(*row[columns[i]]);
    }
  }

  // That the row is still the one which was read: by its version, or by the values of these columns.
  void guard(sql_builder& sql, std::vector<sql_value>& with, std::span<const std::size_t> columns,
             bool all) {
    if (root_.version) {
      sql.text(" AND ").name(root_, *root_.version).text(" = ").parameter();
      with.emplace_back(what_.version);
      return;
    }
    for (std::size_t at = 0; at < root_.columns.size(); ++at) {
      const auto& column = root_.columns[at];
      const bool asked = all || std::ranges::count(columns, at) > 0;
      if (!asked || !column.is_compared || !what_.before->root[at]) continue;
      sql.text(" AND ");
      if (is_null(what_.before->root[at])) {
        sql.name(root_, at).text(" IS NULL");
        continue;
      }
      // JSON is equal if its values are, and PostgreSQL's json has no `=` at all.
      const bool by_value = column.kind == value_kind::json;
      const bool jsonb = by_value && on_.dialect() == "postgresql";
      if (jsonb) {
        sql.text("CAST(").name(root_, at).text(" AS jsonb) = CAST(").parameter().text(" AS jsonb)");
      } else {
        sql.name(root_, at).text(" = ").parameter();
      }
      with.push_back(*what_.before->root[at]);
    }
  }

  result<void> insert_row_of(const table& of, const row_values& row) {
    insert_row(of, row, false, made_);
    auto done = on_.run_sql(made_.sql, sql_parameters{made_.with});
    made_.sql.clear();
    if (!done) return fail(std::move(done.error()));
    return {};
  }

  result<bool> erase(const table& of, const row_values& row) {
    sql_builder sql;
    sql.text("DELETE FROM ").text(of.quoted).where_key(of);
    std::vector<sql_value> with;
    for (const auto at : of.key) with.push_back(row[at].value_or(sql_value{}));
    return ran(sql, with);
  }

  result<bool> ran(sql_builder& sql, const std::vector<sql_value>& with) {
    auto done = on_.run_sql(sql.take_text(), with);
    if (!done) return fail(std::move(done.error()));
    return done->affected > 0;
  }

  [[nodiscard]] static std::string key_text(const table& of, const row_values& row) {
    std::vector<sql_value> key;
    for (const auto at : of.key) key.push_back(row[at].value_or(sql_value{}));
    return memory_key(key);
  }

  // Whether it is the primary key, or another unique constraint over the key alone.
  [[nodiscard]] bool of_key(const broken_constraint& broken) const {
    if (broken.kind != constraint_kind::unique || broken.columns.size() != root_.key.size()) {
      return false;
    }
    return std::ranges::all_of(root_.key, [&](std::size_t at) {
      return std::ranges::count(broken.columns, root_.columns[at].name) > 0;
    });
  }

  session& on_;
  const entity_tables& of_;
  const table& root_;
  const image_change& what_;
  last_text made_;
};

}  // namespace

result<void> entity_tables::finish() const {
  if (const auto& ready = root->finish(); !ready) return ready;
  for (const auto& each : owned) {
    if (const auto& ready = each.of->finish(); !ready) return ready;
    if (each.parent.size() != root->key.size()) {
      return fail(errc::invalid_argument,
                  fmt::format("table {}: the foreign key has {} columns, the key of {} has {}",
                              each.of->name, each.parent.size(), root->name, root->key.size()));
    }
  }
  return {};
}

namespace {

// Packs rows as they are read.
class rows_packer final : public sql_row_sink {
 public:
  rows_packer(const table& of, std::string& to) : of_{of}, to_{to} {}

  bool take(std::span<sql_value> row) override {
    ++rows_;
    to_.count(of_.columns.size());
    std::size_t i = 0;  // `read` ascends
    for (std::size_t at = 0; at < of_.columns.size(); ++at) {
      if (i == row.size() || of_.read[i] != at) {
        to_.none();
        continue;
      }
      if (of_.version == at) version_ = from_sql<std::int64_t>(row[i]);
      to_.value(row[i++]);
    }
    return true;
  }
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::optional<std::int64_t> version() const noexcept { return version_; }

 private:
  const table& of_;
  image_writer to_;
  std::size_t rows_ = 0;
  std::optional<std::int64_t> version_;  // of the last one
};

}  // namespace

result<std::optional<rows_read>> read_rows(session& on, const entity_tables& of,
                                           std::span<const sql_value> key) {
  rows_read made;
  rows_packer root{*of.root, made.bytes};
  if (auto done = on.read_sql(of.root->find, key, root); !done) {
    return fail(std::move(done.error()));
  }
  if (root.rows() == 0) return std::optional<rows_read>{};
  made.version = root.version();
  image_writer to{made.bytes};
  to.count(of.owned.size());
  for (const auto& [table, parent] : of.owned) {
    sql_builder sql;
    sql.text(table->select);
    for (std::size_t i = 0; i < parent.size(); ++i) {
      sql.text(i == 0 ? " WHERE " : " AND ").name(*table, parent[i]).text(" = ").parameter();
    }
    sql.text(" ORDER BY ").names(*table, table->key);
    std::string rows;
    rows_packer each{*table, rows};
    if (auto done = on.read_sql(sql.take_text(), key, each); !done) {
      return fail(std::move(done.error()));
    }
    to.count(each.rows());
    to.raw(rows);
  }
  return std::optional{std::move(made)};
}

result<std::vector<std::vector<sql_value>>> read_keys(session& on, const table& of,
                                                      std::span<const sql_value> after,
                                                      std::size_t max) {
  sql_builder sql;
  std::vector<sql_value> with{after.begin(), after.end()};
  sql.text("SELECT ").names(of, of.key).text(" FROM ").text(of.quoted);
  if (!after.empty()) {
    sql.text(" WHERE (").names(of, of.key).text(") > (");
    for (std::size_t i = 0; i < after.size(); ++i) sql.text(i > 0 ? ", " : "").parameter();
    sql.text(")");
  }
  sql.text(" ORDER BY ").names(of, of.key).text(" LIMIT ").parameter();
  with.emplace_back(static_cast<std::int64_t>(max));
  auto found = on.run_sql(sql.take_text(), with);
  if (!found) return fail(std::move(found.error()));
  return std::move(found->rows);
}

result<bool> row_changer::write(const entity_tables& of, const row_change& what) {
  if (what.updates_columns(of)) return update_columns(of.root, what);
  std::optional<row_image> before, after;
  if (!what.before.empty() && of.tells_columns()) {
    before.emplace();  // a removal, which the version guards
  } else if (!what.before.empty()) {
    auto image = unpacked(what.before);
    if (!image) return fail(errc::rejected, std::move(image.error().message));
    before = *std::move(image);
  }
  if (!what.after.empty()) {
    auto image = unpacked(what.after);
    if (!image) return fail(errc::rejected, std::move(image.error().message));
    after = *std::move(image);
  }
  const image_change change{what.key, before ? &*before : nullptr, after ? &*after : nullptr,
                            what.version, what.next};
  return row_write{on_, of, change}.run();
}

result<bool> row_changer::update_columns(const std::shared_ptr<table>& of, const row_change& what) {
  const auto& root = *of;
  if (last_of_ != of) {
    last_ = {};
    last_of_ = of;
  }
  const auto size = root.columns.size();
  const auto columns = column_set::unpacked(what.before);
  row_.resize(size);
  changed_.clear();
  try {
    image_reader after{what.after};
    if (after.count() != size) throw malformed_image{};
    for (std::size_t at = 0; at < size; ++at) {
      const auto& column = root.columns[at];
      const bool is_set = columns.has(at) && (column.is_compared || root.updated == at);
      if (!is_set && !column.is_key) {
        after.skip();
      } else if (after.value(row_[at] ? *row_[at] : row_[at].emplace()) && is_set) {
        changed_.push_back(at);
      }
    }
  } catch (const malformed_image&) {
    return fail(errc::rejected, no_rows().message);
  }
  row_[*root.version] = what.next;
  changed_.push_back(*root.version);
  const sql_value version = what.version;
  update_row(root, row_, changed_, &version, false, last_);
  auto done = on_.run_sql(last_.sql, sql_parameters{last_.with});
  for (const auto at : changed_) row_[at].reset();  // a value may be large
  if (!done) return fail(std::move(done.error()));
  return done->affected > 0;
}

}}}  // namespace nexus::v0::detail
