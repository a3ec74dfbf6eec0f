// Documents: bytes under the name of a collection and an id. Read models are stored as documents.
//
// A session's `documents()` (nexus/session.hpp) is one of these, or null if its database has none.
// Programs use nexus/repository.hpp; this is the port that a database implements.
//
// Names, ids, types, codecs: 1 to 255 bytes of UTF-8 without NUL, compared as bytes. The bytes of a
// document: up to 64 MiB, or less where the database says so (`too_large`).
//
// Transactions: a call is a part of the session's open transaction, if there is one. Otherwise it
// is atomic by itself, except for `all` and `get_many`, which may read several times.
//
// Threads: those of the session; calls block. Throws: nothing, except what a sink throws.
// Failures: those of the session; `invalid_argument` and `too_large`, naming what is at fault,
// before anything is read or written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

/// What a read may miss. A database with one kind of reads ignores the choice.
enum class consistency : std::uint8_t {
  strong,   ///< nothing that was written before the call
  eventual  ///< what was written shortly before; cheaper where a database knows both
};
[[nodiscard]] std::string_view to_string(consistency kind) noexcept;

struct document_limits {
  static constexpr std::size_t name_bytes_max = 255;  ///< also of an id, a type, a codec
  static constexpr std::size_t data_bytes_max = std::size_t{64} << 20;
  static constexpr std::size_t indexes_max = 8;        ///< indexed fields of a collection
  static constexpr std::size_t field_bytes_max = 100;  ///< a field's name
  static constexpr std::size_t value_bytes_max = 255;  ///< an indexed value
};

/// Views of a document that is written or passed to a sink.
struct document_view {
  std::string_view id;
  std::string_view type;
  std::uint32_t schema_version = 1;  ///< of that type; from 1
  std::string_view codec = "msgpack";
  std::string_view data{};

  friend bool operator==(const document_view&, const document_view&) = default;
};

struct stored_document {
  std::string id{};
  std::string type{};
  std::uint32_t schema_version = 1;
  std::string codec{};
  std::string data{};

  [[nodiscard]] static stored_document of(const document_view& v) {
    return {std::string{v.id}, std::string{v.type}, v.schema_version, std::string{v.codec},
            std::string{v.data}};
  }
  [[nodiscard]] document_view view() const { return {id, type, schema_version, codec, data}; }
};

/// A value of an indexed field, as text. A document may have none, or several, of a field.
struct indexed_value {
  std::string field{};  ///< UTF-8 without NUL and comma
  std::string value{};  ///< UTF-8 without NUL; may be empty

  friend auto operator<=>(const indexed_value&, const indexed_value&) = default;
};

struct document_write {
  document_view document;
  std::vector<indexed_value> values{};  ///< of the indexed fields
};

/// False: pass no more.
using document_sink = std::function<bool(const document_view&)>;

/// The values of a document's indexed fields.
using document_indexer = std::function<result<std::vector<indexed_value>>(const document_view&)>;

class document_storage {
 public:
  virtual ~document_storage() = default;

  /// The name of the table in messages, e.g. "nexus_read_models".
  [[nodiscard]] virtual std::string table() const = 0;

  /// Stores the documents, all or none, each in the place of the one with its id. The ids differ.
  /// `indexed` are the fields that the writer indexes: `values` has all their values. The database
  /// remembers which fields writers of the collection left out, for `find`.
  [[nodiscard]] virtual result<void> put(std::string_view name,
                                         std::span<const document_write> writes,
                                         std::span<const std::string> indexed) = 0;
  [[nodiscard]] result<void> put(std::string_view name, const document_view& document) {
    const document_write one{document};
    return put(name, std::span{&one, 1}, {});
  }

  /// The documents of these ids in this order, without repeats, leaving out those that are missing.
  [[nodiscard]] virtual result<std::vector<stored_document>> get_many(
      std::string_view name, std::span<const std::string> ids,
      consistency wanted = consistency::strong) = 0;

  /// None: there is no such document.
  [[nodiscard]] virtual result<std::optional<stored_document>> get(
      std::string_view name, std::string_view id, consistency wanted = consistency::strong);

  /// Removes the documents of these ids, all or none; returns the number of those that were there.
  [[nodiscard]] virtual result<std::size_t> remove(std::string_view name,
                                                   std::span<const std::string> ids) = 0;
  [[nodiscard]] result<bool> remove(std::string_view name, std::string_view id);

  /// Passes all documents of a collection in ascending bytewise order of their ids, read in pages.
  /// Each at most once; one that is written or removed meanwhile may be passed or not, unless the
  /// transaction's isolation says more. The sink may use the session.
  [[nodiscard]] virtual result<void> all(std::string_view name, consistency wanted,
                                         const document_sink& sink) = 0;

  /// Removes all documents of a collection; returns their number. Which fields writers left out
  /// may stay remembered.
  [[nodiscard]] virtual result<std::size_t> remove_all(std::string_view name) = 0;

  /// The ids of the documents that have all these values, in ascending bytewise order; may have
  /// others as well, so the caller compares the documents. None: a writer of the collection did not
  /// index all these fields, so `all` has to be read. At least one value.
  [[nodiscard]] virtual result<std::optional<std::vector<std::string>>> find(
      std::string_view name, std::span<const indexed_value> values,
      consistency wanted = consistency::strong) = 0;

  /// Indexes exactly these fields in every document, in a transaction of its own, and forgets what
  /// writers left out before; a writer that leaves fields out later is noticed again. Returns the
  /// number of documents. Writers of the collection wait for it. `invalid_argument` within a
  /// transaction; the indexer's first error ends it and changes nothing.
  [[nodiscard]] virtual result<std::size_t> reindex(std::string_view name,
                                                    std::span<const std::string> indexed,
                                                    const document_indexer& values_of) = 0;
};

// The checks that every implementation makes first.

/// Why this is no name of a collection.
[[nodiscard]] std::optional<error> fault_of_collection(std::string_view name);

/// Why this is no id of a document: `invalid_id`.
[[nodiscard]] std::optional<error> fault_of_document_id(std::string_view id);
[[nodiscard]] std::optional<error> fault_of_document_ids(std::string_view name,
                                                         std::span<const std::string> ids);

/// Why these cannot be the indexed fields of a collection.
[[nodiscard]] std::optional<error> fault_of_indexes(std::span<const std::string> indexed);

/// Why nothing can be found by these values.
[[nodiscard]] std::optional<error> fault_of_search(std::string_view name,
                                                   std::span<const indexed_value> values);

/// The writes of a `put` in ascending order of their ids, if none has a fault.
[[nodiscard]] result<std::vector<const document_write*>> checked(
    std::string_view name, std::span<const document_write> writes,
    std::span<const std::string> indexed);

/// `ids` without repeats, each where it is first.
[[nodiscard]] std::vector<std::string_view> without_repeats(std::span<const std::string> ids);

}}  // namespace nexus::v0
