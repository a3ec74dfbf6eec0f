// Where a repository gets its storage for a call: from a store, from a session, or at once.
//
// A store lends a session of its pool for each call, which blocks, and has the pool's errors. On a
// thread that must not wait, an actor's, it is `would_block`. Any other thread may use it.
//
// A session is used as it is: the calls are a part of its transaction. It, or a storage, must
// outlive its user and belongs to one thread at a time.
//
// Failures: those of the pool; `unavailable` if the database keeps no documents.
#pragma once

#include <functional>
#include <string_view>
#include <variant>

#include "nexus/document_storage.hpp"
#include "nexus/session.hpp"
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 {

class document_source {
 public:
  document_source(store of) : from_{std::move(of)} {}
  document_source(session& of) : from_{&of} {}
  document_source(document_storage& of) : from_{&of} {}

  /// Calls `use` with the storage.
  [[nodiscard]] result<void> with(std::string_view borrower,
                                  const std::function<result<void>(document_storage&)>& use) const;

 private:
  std::variant<store, session*, document_storage*> from_;
};

}}  // namespace nexus::v0
