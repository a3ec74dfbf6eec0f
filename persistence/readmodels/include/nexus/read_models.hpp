// Makes repositories: on a store, or on a session.
//
// On a store, the repositories of one factory share a cache. It remembers what it saw of rows: a
// `save` of a model that probably is stored already reads its row, and is left out if the row holds
// it. So a save that changes nothing costs a look-up instead of a write, and no other writer's
// change is ever taken for one's own: the row decides, not the cache.
//
// On a session, every call is a part of its transaction, and nothing is cached.
//
// Threads: of a store any, several at once; of a session its own. Copies share the cache.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "nexus/repository.hpp"

namespace nexus { inline namespace v0 {

struct read_model_options {
  std::size_t cached_max = 10'000;  ///< rows remembered, some hundred bytes each; 0: none
};

class read_models {
 public:
  explicit read_models(store of, const read_model_options& options = {});
  explicit read_models(session& of);

  template <read_model Model>
  [[nodiscard]] repository<Model> of(std::string name, repository_options options = {}) const {
    return {from_, std::move(name), std::move(options), nullptr, cache_};
  }

  /// Forgets what was seen of all rows.
  void clear() const;

 private:
  document_source from_;
  std::shared_ptr<detail::snapshot_cache> cache_;
};

}}  // namespace nexus::v0
