#include "nexus/detail/sql_documents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <unordered_map>

#include "nexus/transaction.hpp"
#include "text.hpp"

namespace nexus { inline namespace v0 { namespace detail {

enum class sql_documents::statement : std::uint8_t {
  upsert,
  mark,
  get,
  page,
  page_for_update,
  values_of,
  add_values,
  drop_values,
  remove,
  forget_values,
  remove_all,
  forget_all_values,
  find,
  forget_marks
};

namespace {

// How many documents, ids or values a statement has at most, and at least.
constexpr std::array<std::size_t, 4> counts{64, 16, 4, 1};
constexpr std::size_t count_max = counts.front();

constexpr std::size_t pairs_max = 4;  // that `find` compares; the caller compares all
constexpr int tries_max = 3;          // a reindex may remove a mark just after it was set

// libpq holds a whole result in memory.
constexpr std::int64_t first_page_rows = 32;
constexpr std::int64_t page_rows_max = 4'096;
constexpr std::int64_t page_bytes = 4 << 20;

constexpr std::string_view columns = "id, model_type, schema_version, codec, data";

// "(…$3…), (…$5…)": `one` with the numbers of its parameters, which are {0}, {1} ….
std::string repeated(std::string_view one, std::size_t first, std::size_t width, std::size_t count,
                     std::string_view between = ", ") {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) all += between;
    const auto at = first + i * width;
    all += fmt::format(fmt::runtime(one), at, at + 1, at + 2, at + 3, at + 4);
  }
  return all;
}

std::string upsert_text(const sql_dialect& dialect, std::size_t count) {
  return fmt::format(
      "INSERT INTO nexus_read_models (name, {0}, timestamp) "
      "SELECT r.name, v.column1, v.column2, v.column3, v.column4, v.column5, {1} "
      "FROM nexus_read_model_fields AS r, (VALUES {2}) AS v "
      "WHERE r.name = $1 AND r.field = '' AND r.value = $2 AND r.id = '' {3} "
      "ON CONFLICT (name, id) DO UPDATE SET model_type = excluded.model_type, "
      "schema_version = excluded.schema_version, codec = excluded.codec, data = excluded.data, "
      "timestamp = excluded.timestamp",
      columns, dialect.now, repeated("(${0}, ${1}, CAST(${2} AS bigint), ${3}, ${4})", 3, 5, count),
      dialect.share_of_mark);
}

std::string find_text(std::size_t pairs) {
  std::string others;
  for (std::size_t i = 1; i < pairs; ++i) {
    others += fmt::format(
        " AND EXISTS (SELECT 1 FROM nexus_read_model_fields AS b WHERE b.name = $1 "
        "AND b.field = ${} AND b.value = ${} AND b.id = a.id)",
        2 + 2 * i, 3 + 2 * i);
  }
  return "SELECT 0 AS kind, m.value AS found FROM nexus_read_model_fields AS m "
         "WHERE m.name = $1 AND m.field = '' AND m.id = '' UNION ALL "
         "SELECT 1, a.id FROM nexus_read_model_fields AS a "
         "WHERE a.name = $1 AND a.field = $2 AND a.value = $3" +
         others + " ORDER BY 1, 2";
}

// The count of a statement that takes the same value twice, for the first of `left` values.
std::size_t padded(std::size_t left) {
  auto chosen = count_max;
  for (const auto count : counts) {
    if (count >= left) chosen = count;
  }
  return chosen;
}

// That of a statement that does not.
std::size_t exact(std::size_t left) {
  return *std::ranges::find_if(counts, [&](std::size_t count) { return count <= left; });
}

sql_value text_of(std::string_view text) { return std::string{text}; }

/// $1 is the name, and the values of `some` follow, the last of them repeated up to `count`.
template <class Some, class Add>
std::vector<sql_value> parameters(std::string_view name, const Some& some, std::size_t count,
                                  Add add) {
  std::vector<sql_value> with{text_of(name)};
  for (std::size_t i = 0; i < count; ++i) add(some[std::min(i, some.size() - 1)], with);
  return with;
}

/// Calls `use(some, count)` for as many of `all` at once as a statement takes.
template <class All, class Use>
result<void> in_padded_parts(const All& all, Use use) {
  for (std::span rest{all}; !rest.empty();) {
    const auto count = padded(rest.size());
    const auto some = rest.first(std::min(count, rest.size()));
    if (auto done = use(some, count); !done) return fail(std::move(done.error()));
    rest = rest.subspan(some.size());
  }
  return {};
}

void add_text(std::string_view text, std::vector<sql_value>& to) { to.push_back(text_of(text)); }

error not_a_row(std::string_view table, std::string_view name, std::string_view why) {
  return {errc::corrupt, fmt::format("{}: a row of \"{}\" {}", table, name, why)};
}

result<std::vector<stored_document>> documents_of(sql_rows& rows, std::string_view table,
                                                  std::string_view name) {
  std::vector<stored_document> made;
  made.reserve(rows.size());
  for (auto& row : rows.rows) {
    auto* id = std::get_if<std::string>(row.data());
    auto* type = std::get_if<std::string>(&row.at(1));
    const auto* version = std::get_if<std::int64_t>(&row.at(2));
    auto* codec = std::get_if<std::string>(&row.at(3));
    auto* data = std::get_if<sql_bytes>(&row.at(4));
    if (id == nullptr || type == nullptr || version == nullptr || codec == nullptr ||
        data == nullptr) {
      return fail(not_a_row(table, name, "has a column of another type"));
    }
    if (*version < 1 || *version > std::int64_t{UINT32_MAX}) {
      return fail(not_a_row(
          table, name, fmt::format("with id \"{}\" has schema version {}", shown(*id), *version)));
    }
    made.push_back({std::move(*id), std::move(*type), static_cast<std::uint32_t>(*version),
                    std::move(*codec), std::move(data->data)});
  }
  return made;
}

// The text of a set of indexed fields.
std::string set_of(std::span<const std::string> indexed) {
  const std::set<std::string_view> sorted{indexed.begin(), indexed.end()};
  return fmt::format("{}", fmt::join(sorted, ","));
}

bool in_set(std::string_view set, std::string_view field) {
  return fmt::format(",{},", set).find(fmt::format(",{},", field)) != std::string::npos;
}

struct entry {  // of the index
  std::string id;
  indexed_value at;
  friend auto operator<=>(const entry&, const entry&) = default;
};

void add_entry(const entry& e, std::vector<sql_value>& to) {
  add_text(e.at.field, to);
  add_text(e.at.value, to);
  add_text(e.id, to);
}

std::vector<entry> missing(const std::set<entry>& from, const std::set<entry>& in) {
  std::vector<entry> found;
  std::ranges::set_difference(from, in, std::back_inserter(found));
  return found;
}

}  // namespace

std::string sql_documents::table() const { return tables_.named("nexus_read_models"); }

const std::string& sql_documents::text(statement which, std::size_t count) {
  auto& made = texts_[{which, count}];
  if (!made.empty()) return made;
  const auto build = [&]() -> std::string {
    const auto ids = repeated("${0}", 2, 1, count);
    auto page = fmt::format(
        "SELECT {} FROM nexus_read_models WHERE name = $1 AND id > $2 ORDER BY id LIMIT $3",
        columns);
    switch (which) {
      case statement::upsert:
        return upsert_text(dialect_, count);
      case statement::mark:
        return "INSERT INTO nexus_read_model_fields (name, field, value, id) "
               "VALUES ($1, '', $2, '') ON CONFLICT DO NOTHING";
      case statement::get:
        return fmt::format("SELECT {} FROM nexus_read_models WHERE name = $1 AND id IN ({})",
                           columns, ids);
      case statement::page:
        return page;
      case statement::page_for_update:
        return fmt::format("{}{}", page, dialect_.for_update);
      case statement::values_of:
        return fmt::format(
            "SELECT id, field, value FROM nexus_read_model_fields WHERE name = $1 AND id IN ({})",
            ids);
      case statement::add_values:
        return fmt::format(
            "INSERT INTO nexus_read_model_fields (name, field, value, id) VALUES {} "
            "ON CONFLICT DO NOTHING",
            repeated("($1, ${0}, ${1}, ${2})", 2, 3, count));
      case statement::drop_values:
        return fmt::format(
            "DELETE FROM nexus_read_model_fields WHERE name = $1 AND ({})",
            repeated("(field = ${0} AND value = ${1} AND id = ${2})", 2, 3, count, " OR "));
      case statement::remove:
        return fmt::format("DELETE FROM nexus_read_models WHERE name = $1 AND id IN ({})", ids);
      case statement::forget_values:
        return fmt::format("DELETE FROM nexus_read_model_fields WHERE name = $1 AND id IN ({})",
                           ids);
      case statement::remove_all:
        return "DELETE FROM nexus_read_models WHERE name = $1";
      case statement::forget_all_values:
        return "DELETE FROM nexus_read_model_fields WHERE name = $1 AND id > ''";
      case statement::find:
        return find_text(count);
      case statement::forget_marks:
        return "DELETE FROM nexus_read_model_fields WHERE name = $1 AND field = '' AND id = ''";
    }
    return {};
  };
  return made = tables_.named(build());
}

result<sql_rows> sql_documents::run(statement which, std::size_t count, sql_parameters with) {
  return on_.run_sql(text(which, count), with);
}

template <class F>
auto sql_documents::atomically(F f) -> decltype(f()) {
  if (on_.in_transaction()) return f();
  return transactional(on_, [&](session&) { return f(); });
}

// False if the collection lacks the mark of the set: nothing was written.
result<bool> sql_documents::upsert(std::string_view name, const std::string& set,
                                   writes_view some) {
  std::vector<sql_value> with{text_of(name), set};
  for (const auto* one : some) {
    const auto& d = one->document;
    with.insert(with.end(), {text_of(d.id), text_of(d.type), std::int64_t{d.schema_version},
                             text_of(d.codec), sql_bytes{std::string{d.data}}});
  }
  return run(statement::upsert, some.size(), with).map([](const sql_rows& done) {
    return done.affected > 0;
  });
}

result<void> sql_documents::mark(std::string_view name, const std::string& set) {
  const std::array<sql_value, 2> with{text_of(name), set};
  return run(statement::mark, 1, with).map([](const auto&) {});
}

result<void> sql_documents::put_all(std::string_view name, const std::string& set,
                                    writes_view all) {
  for (auto rest = all; !rest.empty();) {
    const auto some = rest.first(exact(rest.size()));
    auto written = upsert(name, set, some);
    for (int tries = 0; written && !*written && tries < tries_max; ++tries) {
      if (auto marked = mark(name, set); !marked) return marked;
      written = upsert(name, set, some);
    }
    if (!written) return fail(std::move(written.error()));
    if (!*written) {
      return fail(errc::serialization_failed,
                  fmt::format("{}: the index of \"{}\" is being changed", table(), name));
    }
    rest = rest.subspan(some.size());
  }
  return set.empty() ? result<void>{} : index(name, all);
}

result<void> sql_documents::put(std::string_view name, std::span<const document_write> writes,
                                std::span<const std::string> indexed) {
  auto sorted = checked(name, writes, indexed);
  if (!sorted) return fail(std::move(sorted.error()));
  if (sorted->empty()) return {};
  const auto set = set_of(indexed);
  if (sorted->size() == 1 && set.empty()) {  // one statement
    auto written = upsert(name, set, *sorted);
    if (!written) return fail(std::move(written.error()));
    if (*written) return {};
  }
  return atomically([&] { return put_all(name, set, *sorted); });
}

result<void> sql_documents::index(std::string_view name, writes_view all) {
  for (auto rest = all; !rest.empty();) {
    const auto some = rest.first(std::min(count_max, rest.size()));
    if (auto done = index_some(name, some); !done) return done;
    rest = rest.subspan(some.size());
  }
  return {};
}

// Changes only what differs: most updates of a document leave its index as it is.
result<void> sql_documents::index_some(std::string_view name, writes_view some) {
  std::set<entry> wanted;
  for (const auto* one : some) {
    for (const auto& value : one->values) wanted.insert({std::string{one->document.id}, value});
  }
  const auto count = padded(some.size());
  auto with = parameters(name, some, count,
                         [](const auto* one, auto& to) { add_text(one->document.id, to); });
  auto rows = run(statement::values_of, count, with);
  if (!rows) return fail(std::move(rows.error()));
  auto read = rows_as<std::string, std::string, std::string>(*rows);
  if (!read) return fail(std::move(read.error()));
  std::set<entry> present;
  for (auto& [id, field, value] : *read) {
    present.insert({std::move(id), {std::move(field), std::move(value)}});
  }
  const auto change = [&](statement which, const std::vector<entry>& entries) {
    return in_padded_parts(entries, [&](auto part, std::size_t size) {
      return run(which, size, parameters(name, part, size, add_entry));
    });
  };
  if (auto done = change(statement::drop_values, missing(present, wanted)); !done) return done;
  return change(statement::add_values, missing(wanted, present));
}

result<std::vector<stored_document>> sql_documents::get_many(std::string_view name,
                                                             std::span<const std::string> ids,
                                                             consistency /*wanted*/) {
  if (auto why = fault_of_document_ids(name, ids)) return fail(*std::move(why));
  const auto distinct = without_repeats(ids);
  std::unordered_map<std::string, stored_document> found;
  auto done = in_padded_parts(distinct, [&](auto some, std::size_t count) -> result<void> {
    auto rows = run(statement::get, count, parameters(name, some, count, add_text));
    if (!rows) return fail(std::move(rows.error()));
    auto documents = documents_of(*rows, table(), name);
    if (!documents) return fail(std::move(documents.error()));
    for (auto& one : *documents) {
      auto id = one.id;
      found.emplace(std::move(id), std::move(one));
    }
    return {};
  });
  if (!done) return fail(std::move(done.error()));
  std::vector<stored_document> ordered;
  ordered.reserve(found.size());
  for (const auto id : distinct) {
    if (const auto at = found.find(std::string{id}); at != found.end()) {
      ordered.push_back(std::move(at->second));
    }
  }
  return ordered;
}

result<std::size_t> sql_documents::remove(std::string_view name, std::span<const std::string> ids) {
  if (auto why = fault_of_document_ids(name, ids)) return fail(*std::move(why));
  auto distinct = without_repeats(ids);
  if (distinct.empty()) return 0;
  std::ranges::sort(distinct);  // the order in which `put` locks
  return atomically([&]() -> result<std::size_t> {
    std::size_t removed = 0;
    auto done = in_padded_parts(distinct, [&](auto some, std::size_t count) -> result<void> {
      const auto with = parameters(name, some, count, add_text);
      auto rows = run(statement::remove, count, with);
      if (!rows) return fail(std::move(rows.error()));
      removed += static_cast<std::size_t>(rows->affected);
      return run(statement::forget_values, count, with).map([](const auto&) {});
    });
    if (!done) return fail(std::move(done.error()));
    return removed;
  });
}

result<void> sql_documents::pages(statement which, std::string_view name, const page_sink& use) {
  std::string after;
  for (std::int64_t asked = first_page_rows;;) {
    const std::array<sql_value, 3> with{text_of(name), after, asked};
    auto rows = run(which, 1, with);
    if (!rows) return fail(std::move(rows.error()));
    const auto count = static_cast<std::int64_t>(rows->size());
    auto page = documents_of(*rows, table(), name);
    if (!page) return fail(std::move(page.error()));
    if (page->empty()) return {};
    std::int64_t bytes = 0;
    for (const auto& one : *page) bytes += static_cast<std::int64_t>(one.data.size() + 64);
    after = page->back().id;
    auto more = use(*page);
    if (!more) return fail(std::move(more.error()));
    if (!*more || count < asked) return {};
    asked = std::clamp<std::int64_t>(page_bytes * count / bytes, 1, page_rows_max);
  }
}

result<void> sql_documents::all(std::string_view name, consistency /*wanted*/,
                                const document_sink& sink) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  return pages(statement::page, name, [&](const auto& page) -> result<bool> {
    return std::ranges::all_of(page, [&](const auto& one) { return sink(one.view()); });
  });
}

result<std::size_t> sql_documents::remove_all(std::string_view name) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  const std::array<sql_value, 1> with{text_of(name)};
  return atomically([&]() -> result<std::size_t> {
    auto removed = run(statement::remove_all, 1, with);
    if (!removed) return fail(std::move(removed.error()));
    auto forgotten = run(statement::forget_all_values, 1, with);
    if (!forgotten) return fail(std::move(forgotten.error()));
    return static_cast<std::size_t>(removed->affected);
  });
}

// One statement: the marks and the ids must be of one moment.
result<std::optional<std::vector<std::string>>> sql_documents::find(
    std::string_view name, std::span<const indexed_value> values, consistency /*wanted*/) {
  if (auto why = fault_of_search(name, values)) return fail(*std::move(why));
  const auto pairs = std::min(values.size(), pairs_max);
  std::vector<sql_value> with{text_of(name)};
  for (const auto& one : values.first(pairs)) {
    add_text(one.field, with);
    add_text(one.value, with);
  }
  auto rows = run(statement::find, pairs, with);
  if (!rows) return fail(std::move(rows.error()));
  auto read = rows_as<std::int64_t, std::string>(*rows);
  if (!read) return fail(std::move(read.error()));
  std::vector<std::string> ids;
  for (auto& [is_id, text] : *read) {
    if (is_id != 0) {
      ids.push_back(std::move(text));
      continue;
    }
    const auto in = [&set = text](const auto& v) { return in_set(set, v.field); };
    if (!std::ranges::all_of(values.first(pairs), in)) return std::nullopt;
  }
  return ids;
}

result<std::size_t> sql_documents::reindex_page(std::string_view name,
                                                std::span<const std::string> indexed,
                                                std::span<const stored_document> page,
                                                const document_indexer& values_of) {
  std::vector<document_write> writes;
  writes.reserve(page.size());
  for (const auto& one : page) {
    auto values = values_of(one.view());
    if (!values) return fail(std::move(values.error()));
    writes.push_back({one.view(), std::move(*values)});
  }
  auto each = checked(name, writes, indexed);
  if (!each) return fail(std::move(each.error()));
  return index(name, *each).map([&] { return page.size(); });
}

result<std::size_t> sql_documents::reindex(std::string_view name,
                                           std::span<const std::string> indexed,
                                           const document_indexer& values_of) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  if (auto why = fault_of_indexes(indexed)) return fail(*std::move(why));
  if (on_.in_transaction()) {
    return fail(errc::invalid_argument,
                fmt::format("{}: cannot index \"{}\" within a transaction", table(), name));
  }
  return transactional(on_, [&](session&) -> result<std::size_t> {
    const std::array<sql_value, 1> with{text_of(name)};
    if (auto gone = run(statement::forget_marks, 1, with); !gone) return fail(gone.error());
    if (auto set = mark(name, set_of(indexed)); !set) return fail(set.error());
    std::size_t count = 0;
    auto done = pages(statement::page_for_update, name, [&](const auto& page) -> result<bool> {
      auto indexed_some = reindex_page(name, indexed, page, values_of);
      if (!indexed_some) return fail(std::move(indexed_some.error()));
      count += *indexed_some;
      return true;
    });
    if (!done) return fail(std::move(done.error()));
    return count;
  });
}

}}}  // namespace nexus::v0::detail
