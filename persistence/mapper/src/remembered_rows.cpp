#include "nexus/detail/remembered_rows.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

remembered_rows::entry* remembered_rows::at(const std::string& key) const {
  if (last_found_ != nullptr && last_found_->key == key) return last_found_;
  auto* const found = rows_.find(key);
  if (found != nullptr) last_found_ = found;
  return found;
}

void remembered_rows::erase(entry& row) {
  cells_.give(row.value.row);
  last_found_ = nullptr;
  rows_.erase(row);
}

row_view remembered_rows::find(const std::string& key) const {
  const auto* found = at(key);
  return found == nullptr ? row_view{} : found->value.row;
}

void remembered_rows::forget(const std::string& key) {
  if (auto* found = at(key)) erase(*found);
}

remembered_rows::changes& remembered_rows::begin_part(session& on) {
  if (on.undoes().newest_is_of(this)) return *newest_;
  auto all = pending_.lock();
  if (!all) {
    pending_ = all = std::make_shared<changes>();
    all->rows.reserve(128);
    all->cells.reserve(256);
  }
  newest_ = all.get();
  on.undoes().add(
      [weak = weak_from_this(), all, from = all->rows.size(), part = ++part_] {
        if (const auto self = weak.lock()) self->take_back(*all, from, part);
      },
      this);
  return *all;
}

void remembered_rows::take(remembered& from, change& to) {
  to.before = std::make_unique<row_values>(std::make_move_iterator(from.row.begin()),
                                           std::make_move_iterator(from.row.end()));
  to.loaded_in = from.loaded_in;
}

remembered_rows::change* remembered_rows::note(session& on, const std::string& key) {
  if (!on.in_transaction()) return nullptr;
  return &begin_part(on).rows.emplace_back(key);
}

void remembered_rows::take_back(changes& all, std::size_t from, std::uint64_t part) {
  while (all.rows.size() > from) {
    auto what = std::move(all.rows.back());
    all.rows.pop_back();
    undo(what, all.cells);
  }
  // The database may have had another row before.
  rows_.for_each([part](remembered& one) {
    if (one.loaded_in < part) return;
    std::ranges::fill(one.row, std::nullopt);
    one.loaded_in = 0;
  });
}

void remembered_rows::undo(change& what, std::vector<cell>& cells) {
  if (what.of_columns) {
    auto* const at = rows_.find(what.key);
    for (; what.columns > 0; --what.columns, cells.pop_back()) {
      if (at != nullptr) at->value.row[cells.back().column] = std::move(cells.back().before);
    }
  } else if (what.before) {
    auto& row = rows_.add(std::string{what.key}).first->value;
    if (row.row.empty()) row.row = cells_.take(what.before->size());
    std::ranges::fill(row.row, std::nullopt);
    move_to(row.row, *what.before);
    row.loaded_in = what.loaded_in;
  } else {
    forget(what.key);
  }
  if (what.inserted) undone_inserts_[what.key].push_back(what.of.entity);
  if (what.of.version && what.of.entity != nullptr) {
    // Of several updates the last one is on the entity, and the first one knows what was before.
    const auto [undone, is_new] = undone_versions_.try_emplace(what.of.entity, what.of);
    if (!is_new) undone->second.before = what.of.before;
  }
}

row_cells remembered_rows::loaded(session& on, std::string key, std::size_t columns) {
  std::uint64_t part = 0;
  if (on.in_transaction()) {
    (void)begin_part(on);
    part = part_;
  }
  const auto [at, is_new] = rows_.add(std::move(key));
  auto& made = at->value;
  made.loaded_in = part;
  if (!is_new) {
    std::ranges::fill(made.row, std::nullopt);
    return made.row;
  }
  if (new_keys_ != nullptr) new_keys_->push_back(at->key);
  return made.row = cells_.take(columns);
}

void remembered_rows::inserted(session& on, const std::string& key, row_values& row,
                               const void* entity) {
  if (!undone_versions_.empty()) undone_versions_.erase(entity);
  if (const auto past = undone_inserts_.find(key); past != undone_inserts_.end()) {
    std::erase(past->second, entity);
  }
  const auto [at, is_new] = rows_.add(std::string{key});
  auto& made = at->value;
  if (is_new) made.row = cells_.take(row.size());
  if (auto* what = note(on, key)) {
    if (!is_new) take(made, *what);
    what->inserted = entity != nullptr;
    what->of.entity = entity;
  }
  if (!is_new) std::ranges::fill(made.row, std::nullopt);
  made.loaded_in = 0;
  move_to(made.row, row);
}

void remembered_rows::updated(session& on, const std::string& key, row_values& row,
                              std::span<const std::size_t> columns, const written& of) {
  if (!undone_versions_.empty()) undone_versions_.erase(of.entity);
  auto* const found = at(key);
  if (found == nullptr) return;  // a listener made the mapper forget it
  auto* what = note(on, key);
  if (what != nullptr) {
    what->of_columns = true;
    what->of = of;
  }
  const auto known = found->value.row;
  for (const auto i : columns) {
    if (!row[i]) continue;
    if (what != nullptr) {
      newest_->cells.emplace_back(i, known[i]);
      ++what->columns;
    }
    move_cell(known[i], row[i]);
  }
}

void remembered_rows::removed(session& on, const std::string& key) {
  auto* const found = at(key);
  auto* what = note(on, key);
  if (found == nullptr) return;
  if (what != nullptr) take(found->value, *what);
  erase(*found);
}

void remembered_rows::clear() {
  last_found_ = nullptr;
  rows_.clear();
  cells_.clear();
  undone_inserts_.clear();
  undone_versions_.clear();
}

bool remembered_rows::was_undone(const std::string& key, const void* entity) const {
  if (undone_inserts_.empty()) return false;
  const auto found = undone_inserts_.find(key);
  return found != undone_inserts_.end() && std::ranges::count(found->second, entity) > 0;
}

bool remembered_rows::may_be_undone(const std::string& key) const {
  if (undone_inserts_.empty()) return false;
  const auto found = undone_inserts_.find(key);
  return found != undone_inserts_.end() && !found->second.empty() && !has(key);
}

std::optional<std::int64_t> remembered_rows::version_before(const void* entity,
                                                            std::int64_t version) const {
  const auto found = undone_versions_.find(entity);
  if (found == undone_versions_.end() || found->second.version != version) return std::nullopt;
  return found->second.before;
}

}}}  // namespace nexus::v0::detail
