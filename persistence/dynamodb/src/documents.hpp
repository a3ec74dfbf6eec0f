// Read models: a table of their own, with the key Name (the collection) and Id. Data is a JSON text:
//
//   {"id": "o-1", "type": "order", "schema_version": 1, "codec": "msgpack", "base64": "gaVjZW50…"}
//
// With the codec "json", "data" has the text instead of "base64". There is no index: the values of
// indexed fields stand in each item, and `find` reads the collection's without its data.
//
// `put` and `remove` of several documents are no transaction: each document is written by itself, and
// after an error some may be written. What can be refused is refused before anything is written. In
// the handler of a projection they are kept back, and stored together with its offset.
//
// Threads: those of the session. Throws: what a sink throws. Failures: those of the session;
// `too_large` past what an item of 400 KB holds; `corrupt` for an item that is none of ours.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client.hpp"
#include "core.hpp"
#include "kept_back.hpp"
#include "nexus/document_storage.hpp"
#include "values.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// The body of CreateTable.
[[nodiscard]] json read_models_table(std::string_view name);

/// An answer of BatchGetItem that was checked: what was found, and which ids to ask for again.
struct batch_answer {
  std::vector<json> items;
  std::vector<std::string> left;
};
/// Refuses what was not asked for: a foreign table or name, an unknown, repeated or empty id, an id
/// both answered and unprocessed, and keys of another shape.
[[nodiscard]] result<batch_answer> checked_answer(json answer, const std::string& table,
                                                  std::string_view name,
                                                  std::span<const std::string_view> asked);

class dynamodb_documents final : public document_storage {
 public:
  dynamodb_documents(client& by, core& of, kept_back& held) : client_{by}, core_{of}, held_{held} {}

  using document_storage::put;
  using document_storage::remove;

  std::string table() const override { return core_.where.read_models; }
  result<void> put(std::string_view name, std::span<const document_write> writes,
                   std::span<const std::string> indexed) override;
  result<std::vector<stored_document>> get_many(std::string_view name,
                                                std::span<const std::string> ids,
                                                consistency wanted) override;
  result<std::optional<stored_document>> get(std::string_view name, std::string_view id,
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
  [[nodiscard]] error told(const fault& why) const;
  /// Makes the table if it is missing, once for a journal.
  [[nodiscard]] result<void> need_table();
  /// Passes the items of a collection, page by page, with those kept back in their places.
  template <class Sink>
  [[nodiscard]] result<void> each_stored_item(std::string_view name, consistency wanted,
                                              const std::string& only, Sink sink);
  template <class Sink>
  [[nodiscard]] result<void> each_item(std::string_view name, consistency wanted,
                                       const std::string& only, Sink sink);
  [[nodiscard]] result<void> get_chunk(std::string_view name, std::span<const std::string_view> ids,
                                       consistency wanted, std::vector<json>& into);
  [[nodiscard]] result<stored_document> document_in(std::string_view name, const json& item) const;

  client& client_;
  core& core_;
  kept_back& held_;
};

}}}  // namespace nexus::v0::dynamodb
