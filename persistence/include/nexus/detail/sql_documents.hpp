// Documents in the tables nexus_read_models and nexus_read_model_fields, by the SQL that SQLite and
// PostgreSQL share. For backends: a session owns one and returns it from `documents()`.
//
// A row of nexus_read_model_fields whose field and id are empty is a mark: its value is a set of
// indexed fields with which documents of the collection were written. Every write needs the mark of
// its set in the same statement, so a field is indexed completely if every mark has it. Only
// `reindex` removes marks. It waits for writers that hold a share of one, and those that come later
// wait for it, see that the mark is gone, and set it again.
//
// A document's row is locked before its index is read and changed: of two writers the later one
// sees what the earlier one did.
//
// Threads: those of the session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/detail/sql_dialect.hpp"
#include "nexus/document_storage.hpp"
#include "nexus/schema_choices.hpp"
#include "nexus/session.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class sql_documents final : public document_storage {
 public:
  sql_documents(session& on, schema_choices tables, const sql_dialect& dialect)
      : on_{on}, tables_{std::move(tables)}, dialect_{dialect} {}

  std::string table() const override;
  result<void> put(std::string_view name, std::span<const document_write> writes,
                   std::span<const std::string> indexed) override;
  result<std::vector<stored_document>> get_many(std::string_view name,
                                                std::span<const std::string> ids,
                                                consistency wanted) override;
  result<std::size_t> remove(std::string_view name, std::span<const std::string> ids) override;
  result<void> all(std::string_view name, consistency wanted, const document_sink& sink) override;
  result<std::size_t> remove_all(std::string_view name) override;
  result<std::optional<std::vector<std::string>>> find(std::string_view name,
                                                       std::span<const indexed_value> values,
                                                       consistency wanted) override;
  result<std::size_t> reindex(std::string_view name, std::span<const std::string> indexed,
                              const document_indexer& values_of) override;

 private:
  enum class statement : std::uint8_t;
  using writes_view = std::span<const document_write* const>;
  using page_sink = std::function<result<bool>(std::vector<stored_document>&)>;

  // The text of a statement for `count` documents, ids or values. Of each there are few, so that
  // they can stay prepared.
  const std::string& text(statement which, std::size_t count = 1);
  result<sql_rows> run(statement which, std::size_t count, sql_parameters with);

  // Within the session's transaction, or in one of its own.
  template <class F>
  auto atomically(F f) -> decltype(f());

  result<bool> upsert(std::string_view name, const std::string& set, writes_view some);
  result<void> put_all(std::string_view name, const std::string& set, writes_view all);
  result<void> mark(std::string_view name, const std::string& set);
  result<void> index(std::string_view name, writes_view all);
  result<void> index_some(std::string_view name, writes_view some);
  result<void> pages(statement which, std::string_view name, const page_sink& use);
  result<std::size_t> reindex_page(std::string_view name, std::span<const std::string> indexed,
                                   std::span<const stored_document> page,
                                   const document_indexer& values_of);

  session& on_;
  const schema_choices tables_;
  const sql_dialect& dialect_;
  std::map<std::pair<statement, std::size_t>, std::string> texts_;
};

}}}  // namespace nexus::v0::detail
