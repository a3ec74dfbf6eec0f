// Documents of the memory backend. Each call holds the store's lock; sinks run outside of it.
//
// Threads: those of the session.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "memory_store.hpp"

namespace nexus { inline namespace v0 { namespace memory {

class memory_documents final : public document_storage {
 public:
  memory_documents(memory_store& of, const std::atomic<bool>& interrupted)
      : store_{of}, interrupted_{interrupted} {}

  std::string table() const override { return "the documents of memory:"; }
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
  // The lock of the store, unless the session was interrupted.
  result<std::unique_lock<std::mutex>> locked();
  const documents& collection(std::string_view name) const;

  memory_store& store_;
  const std::atomic<bool>& interrupted_;
};

}}}  // namespace nexus::v0::memory
