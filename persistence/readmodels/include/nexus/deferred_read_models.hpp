// Makes deferred repositories, and flushes them together.
//
// In a projection's handler, on the session of its transaction: the rows and the offset commit
// together.
//
//   nexus::deferred_read_models rows{session};
//   for (const auto& event : batch) … rows.of<order>("orders") …
//   if (auto done = rows.flush("orders"); !done) return nexus::fail(done.error());
//
// On a store, a flush is not one transaction: what was written before a failure stays written.
//
// Threads: one at a time. A session must outlive it, or `bind` names another one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/deferred_repository.hpp"

namespace nexus { inline namespace v0 {
namespace detail {

/// A deferred repository without the type of its models.
class deferred_part {
 public:
  virtual ~deferred_part() = default;
  virtual flush_result flush(std::string_view context) = 0;
  virtual void clear() = 0;
  virtual void bind(const document_source& other) = 0;
};

template <class Model>
class deferred_part_of final : public deferred_part {
 public:
  template <class... A>
  explicit deferred_part_of(A&&... with) : repository{std::forward<A>(with)...} {}

  flush_result flush(std::string_view context) override { return repository.flush(context); }
  void clear() override { repository.clear(); }
  void bind(const document_source& other) override { repository.bind(other); }

  deferred_repository<Model> repository;
};

}

class deferred_read_models {
 public:
  explicit deferred_read_models(document_source from) : from_{std::move(from)} {}
  deferred_read_models(const deferred_read_models&) = delete;
  deferred_read_models& operator=(const deferred_read_models&) = delete;

  /// The repository of this name and class: the same each time, with the options of the first time.
  template <read_model Model>
  [[nodiscard]] deferred_repository<Model>& of(const std::string& name,
                                               repository_options options = {}) {
    using part = detail::deferred_part_of<Model>;
    auto& known = by_name_[{name, std::string{detail::full_type_name<Model>()}}];
    if (known == nullptr) {
      auto made = std::make_unique<part>(from_, name, std::move(options));
      known = made.get();
      parts_.push_back(std::move(made));
    }
    return static_cast<part*>(known)->repository;
  }

  /// Flushes the repositories in the order in which they were made; stops at the first failure.
  [[nodiscard]] flush_result flush(std::string_view context = {});

  /// The same on this session, which is also read from now on.
  [[nodiscard]] flush_result flush(session& within, std::string_view context = {});

  /// Reads from, and flushes to, another source from now on.
  void bind(document_source other);

  /// Forgets what is staged and all objects, e.g. after a rollback. Writes nothing.
  void clear();

 private:
  document_source from_;
  std::vector<std::unique_ptr<detail::deferred_part>> parts_;
  std::map<std::pair<std::string, std::string>, detail::deferred_part*> by_name_;
};

}}  // namespace nexus::v0
