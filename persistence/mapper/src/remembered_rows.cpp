#include "nexus/detail/remembered_rows.hpp"

#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

const row_values* remembered_rows::find(const std::string& key) const {
  const auto found = rows_.find(key);
  return found == rows_.end() ? nullptr : &found->second;
}

void remembered_rows::put(session& on, change what, std::optional<row_values> row) {
  const auto at = rows_.find(what.key);
  if (at != rows_.end()) {
    what.before = std::move(at->second);
    if (row) {
      at->second = *std::move(row);
    } else {
      rows_.erase(at);
    }
  } else if (row) {
    rows_.emplace(what.key, *std::move(row));
  }
  note(on, std::move(what));
}

namespace {

void exchange(row_values& row, row_values& columns) {
  for (std::size_t at = 0; at < columns.size(); ++at) {
    if (columns[at]) std::swap(row[at], columns[at]);
  }
}

}  // namespace

void remembered_rows::note(session& on, change what) {
  if (!on.in_transaction()) return;
  auto all = pending_.lock();
  if (!all) pending_ = all = std::make_shared<changes>();
  if (!on.undoes().newest_is_of(this)) {
    on.undoes().add(
        [weak = weak_from_this(), all, from = all->size()] {
          if (const auto self = weak.lock()) self->take_back(*all, from);
        },
        this);
  }
  all->push_back(std::move(what));
}

void remembered_rows::take_back(changes& all, std::size_t from) {
  while (all.size() > from) {
    auto what = std::move(all.back());
    all.pop_back();
    if (what.before && what.of_columns) {
      if (const auto at = rows_.find(what.key); at != rows_.end())
        exchange(at->second, *what.before);
    } else if (what.before) {
      rows_[what.key] = *std::move(what.before);
    } else {
      rows_.erase(what.key);
    }
    if (what.entity != nullptr) undone_[what.key].entities.insert(what.entity);
    if (what.version) undone_[what.key].versions.insert(*what.version);
  }
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
  put(on, {.key = key, .entity = entity}, std::move(row));
}

void remembered_rows::updated(session& on, const std::string& key, row_values columns,
                              std::optional<std::int64_t> version) {
  if (const auto past = undone_.find(key); version && past != undone_.end()) {
    past->second.versions.erase(*version);
  }
  const auto at = rows_.find(key);
  if (at == rows_.end()) return;  // a listener made the mapper forget it
  exchange(at->second, columns);
  note(on, {.key = key, .before = std::move(columns), .of_columns = true, .version = version});
}

void remembered_rows::removed(session& on, const std::string& key) {
  put(on, {.key = key}, std::nullopt);
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
