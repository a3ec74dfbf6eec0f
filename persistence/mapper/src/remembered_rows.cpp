#include "nexus/detail/remembered_rows.hpp"

#include <algorithm>
#include <utility>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

void exchange(row_values& row, row_values& columns) {
  for (std::size_t at = 0; at < columns.size(); ++at) {
    if (columns[at]) std::swap(row[at], columns[at]);
  }
}

}  // namespace

const row_values* remembered_rows::find(const std::string& key) const {
  const auto found = rows_.find(key);
  return found == rows_.end() ? nullptr : &found->second.row;
}

remembered_rows::changes& remembered_rows::begin_part(session& on) {
  // The newest entry may also be of another object that was at this address.
  if (newest_ != nullptr && on.undoes().newest_is_of(this)) return *newest_;
  auto all = pending_.lock();
  if (!all) {
    pending_ = all = std::make_shared<changes>();
    all->reserve(16);
  }
  newest_ = all.get();
  on.undoes().add(
      [weak = weak_from_this(), all, from = all->size(), part = ++part_] {
        if (const auto self = weak.lock()) self->take_back(*all, from, part);
      },
      this);
  return *all;
}

remembered_rows::change* remembered_rows::note(session& on, const std::string& key) {
  if (!on.in_transaction()) return nullptr;
  return &begin_part(on).emplace_back(change{.key = key});
}

void remembered_rows::take_back(changes& all, std::size_t from, std::uint64_t part) {
  while (all.size() > from) {
    auto what = std::move(all.back());
    all.pop_back();
    undo(what);
  }
  // The database may have had another row before.
  for (auto& [key, one] : rows_) {
    if (one.loaded_in < part) continue;
    one.row.assign(one.row.size(), std::nullopt);
    one.loaded_in = 0;
  }
}

void remembered_rows::undo(change& what) {
  const auto at = rows_.find(what.key);
  if (what.of_columns) {
    if (at != rows_.end()) exchange(at->second.row, what.before->row);
  } else if (what.before) {
    rows_[what.key] = *std::move(what.before);
  } else if (at != rows_.end()) {
    rows_.erase(at);
  }
  if (what.inserted) undone_inserts_[what.key].push_back(what.of.entity);
  if (what.of.version && what.of.entity != nullptr) {
    // Of several updates the last one is on the entity, and the first one knows what was before.
    const auto [undone, is_new] = undone_versions_.try_emplace(what.of.entity, what.of);
    if (!is_new) undone->second.before = what.of.before;
  }
}

void remembered_rows::loaded(session& on, std::string key, row_values row) {
  std::uint64_t part = 0;
  if (on.in_transaction()) {
    (void)begin_part(on);
    part = part_;
  }
  const auto [at, is_new] = rows_.try_emplace(std::move(key));
  at->second = {std::move(row), part};
  if (is_new && new_keys_ != nullptr) new_keys_->push_back(at->first);
}

void remembered_rows::inserted(session& on, const std::string& key, row_values row,
                               const void* entity) {
  if (!undone_versions_.empty()) undone_versions_.erase(entity);
  if (const auto past = undone_inserts_.find(key); past != undone_inserts_.end()) {
    std::erase(past->second, entity);
  }
  const auto [at, is_new] = rows_.try_emplace(key);
  if (auto* what = note(on, key)) {
    if (!is_new) what->before = std::move(at->second);
    what->inserted = entity != nullptr;
    what->of.entity = entity;
  }
  at->second = {std::move(row)};
}

void remembered_rows::updated(session& on, const std::string& key, row_values columns,
                              const written& of) {
  if (!undone_versions_.empty()) undone_versions_.erase(of.entity);
  const auto at = rows_.find(key);
  if (at == rows_.end()) return;  // a listener made the mapper forget it
  exchange(at->second.row, columns);
  if (auto* what = note(on, key)) {
    what->before = remembered{std::move(columns)};
    what->of_columns = true;
    what->of = of;
  }
}

void remembered_rows::removed(session& on, const std::string& key) {
  const auto at = rows_.find(key);
  auto* what = note(on, key);
  if (at == rows_.end()) return;
  if (what != nullptr) what->before = std::move(at->second);
  rows_.erase(at);
}

void remembered_rows::clear() {
  rows_.clear();
  undone_inserts_.clear();
  undone_versions_.clear();
}

bool remembered_rows::was_undone(const std::string& key, const void* entity) const {
  if (undone_inserts_.empty()) return false;
  const auto found = undone_inserts_.find(key);
  return found != undone_inserts_.end() && std::ranges::count(found->second, entity) > 0;
}

bool remembered_rows::may_be_undone(const std::string& key) const {
  const auto found = undone_inserts_.find(key);
  return found != undone_inserts_.end() && !found->second.empty() && !rows_.contains(key);
}

std::optional<std::int64_t> remembered_rows::version_before(const void* entity,
                                                            std::int64_t version) const {
  const auto found = undone_versions_.find(entity);
  if (found == undone_versions_.end() || found->second.version != version) return std::nullopt;
  return found->second.before;
}

}}}  // namespace nexus::v0::detail
