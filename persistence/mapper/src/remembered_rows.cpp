#include "nexus/detail/remembered_rows.hpp"

#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

const row_values* remembered_rows::find(const std::string& key) const {
  const auto found = rows_.find(key);
  return found == rows_.end() ? nullptr : &found->second;
}

template <class F>
void remembered_rows::undo_with(session& on, const std::string& key, F then) {
  if (!on.in_transaction()) return;
  std::optional<row_values> before;
  if (const auto* row = find(key)) before = *row;
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

void remembered_rows::loaded(const std::string& key, row_values row) {
  undone_.erase(key);
  if (new_keys_ != nullptr && !rows_.contains(key)) new_keys_->push_back(key);
  rows_[key] = std::move(row);
}

void remembered_rows::inserted(session& on, const std::string& key, row_values row,
                               const void* entity) {
  undo_with(on, key, [entity](remembered_rows& self, const std::string& undone_key) {
    if (entity != nullptr) self.undone_[undone_key].entities.insert(entity);
  });
  if (entity != nullptr) {
    if (const auto past = undone_.find(key); past != undone_.end()) {
      past->second.entities.erase(entity);
    }
  }
  rows_[key] = std::move(row);
}

void remembered_rows::updated(session& on, const std::string& key, row_values row,
                              std::optional<std::int64_t> version) {
  undo_with(on, key, [version](remembered_rows& self, const std::string& undone_key) {
    if (version) self.undone_[undone_key].versions.insert(*version);
  });
  if (version) {
    if (const auto past = undone_.find(key); past != undone_.end()) {
      past->second.versions.erase(*version);
    }
  }
  rows_[key] = std::move(row);
}

void remembered_rows::removed(session& on, const std::string& key) {
  undo_with(on, key, [](remembered_rows&, const std::string&) {});
  rows_.erase(key);
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
