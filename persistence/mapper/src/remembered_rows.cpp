#include "nexus/detail/remembered_rows.hpp"

#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

const row_values* remembered_rows::find(const std::string& key) const {
  const auto found = rows_.find(key);
  return found == rows_.end() ? nullptr : &found->second;
}

template <class F>
void remembered_rows::change(session& on, const std::string& key, std::optional<row_values> row,
                             F then) {
  std::optional<row_values> before;
  const auto at = rows_.find(key);
  if (at != rows_.end()) {
    before = std::move(at->second);
    if (row) {
      at->second = *std::move(row);
    } else {
      rows_.erase(at);
    }
  } else if (row) {
    rows_.emplace(key, *std::move(row));
  }
  if (!on.in_transaction()) return;
  on.undoes().add([weak = weak_from_this(), key, before = std::move(before), then] {
    const auto self = weak.lock();
    if (!self) return;
    if (before) {
      self->rows_[key] = before.value();
    } else {
      self->rows_.erase(key);
    }
    then(*self, key);
  });
}

void remembered_rows::loaded(std::string key, row_values row) {
  if (!undone_.empty()) undone_.erase(key);
  const auto [at, is_new] = rows_.try_emplace(std::move(key));
  at->second = std::move(row);
  if (is_new && new_keys_ != nullptr) new_keys_->push_back(at->first);
}

void remembered_rows::inserted(session& on, const std::string& key, row_values row,
                               const void* entity) {
  if (const auto past = undone_.find(key); past != undone_.end()) {
    past->second.entities.erase(entity);
  }
  change(on, key, std::move(row), [entity](remembered_rows& self, const std::string& undone_key) {
    if (entity != nullptr) self.undone_[undone_key].entities.insert(entity);
  });
}

void remembered_rows::updated(session& on, const std::string& key, row_values row,
                              std::optional<std::int64_t> version) {
  if (const auto past = undone_.find(key); version && past != undone_.end()) {
    past->second.versions.erase(*version);
  }
  change(on, key, std::move(row), [version](remembered_rows& self, const std::string& undone_key) {
    if (version) self.undone_[undone_key].versions.insert(*version);
  });
}

void remembered_rows::removed(session& on, const std::string& key) {
  change(on, key, std::nullopt, [](remembered_rows&, const std::string&) {});
}

void remembered_rows::clear() {
  rows_.clear();
  undone_.clear();
}

bool remembered_rows::was_undone(const std::string& key, const void* entity) const {
  const auto found = undone_.find(key);
  if (found == undone_.end() || found->second.entities.empty()) return false;
  // A copy of the entity has the key as well; but then the row may be another entity's by now.
  return found->second.entities.contains(entity) || !rows_.contains(key);
}

bool remembered_rows::was_undone(const std::string& key, std::int64_t version) const {
  const auto found = undone_.find(key);
  return found != undone_.end() && found->second.versions.contains(version);
}

}}}  // namespace nexus::v0::detail
