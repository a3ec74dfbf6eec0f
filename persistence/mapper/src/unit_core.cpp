#include "nexus/detail/unit_core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/row_pages.hpp"
#include "value_text.hpp"
#include "write_run.hpp"

namespace nexus { inline namespace v0 { namespace detail {

// One run per table, all in one transaction.
class write_runs {
 public:
  explicit write_runs(session& on) : whole_{on} {}

  write_run& of(row_mapper& in) {
    auto& run = runs_[&in];
    if (!run) run = std::make_unique<write_run>(in, &whole_);
    return *run;
  }
  result<void> commit() { return whole_.commit(); }
  void put_back() {
    for (auto& [in, run] : runs_) run->put_back();
  }
  std::vector<std::pair<row_mapper*, std::vector<set_field>>> take_set() {
    std::vector<std::pair<row_mapper*, std::vector<set_field>>> all;
    for (auto& [in, run] : runs_) all.emplace_back(in, run->take_set());
    return all;
  }

 private:
  lazy_transaction whole_;
  std::map<row_mapper*, std::unique_ptr<write_run>> runs_;
};

row_mapper& unit_core::rows_of(const std::shared_ptr<table>& of) {
  for (const auto& one : mappers_) {
    if (&one->of() == of.get()) return *one;
  }
  return *mappers_.emplace_back(std::make_unique<row_mapper>(*on_, of));
}

unit_core::member* unit_core::find(void* entity) {
  const auto found = by_address_.find(entity);
  return found == by_address_.end() ? nullptr : &*found->second;
}

// A row that the unit has already stays as the program has changed it: it is read into a fresh
// entity, which is dropped, and the mapper's memory of the row is put back.
result<std::vector<void*>> unit_core::adopt(const std::shared_ptr<table>& of,
                                            const row_query& which, maker make) {
  auto& in = rows_of(of);
  auto wanted = which;
  wanted.remember = false;
  std::vector<std::shared_ptr<void>> read;
  auto done = in.read(wanted, [&] { return read.emplace_back(make()).get(); });
  if (!done) return fail(std::move(done.error()));
  std::vector<void*> made;
  for (auto& entity : read) {
    auto row = in.dehydrated(entity.get());
    if (!row) return fail(std::move(row.error()));
    const auto key = key_of(in.of(), *row);
    if (auto* mine = known(in, key)) {
      if (!find(mine)->is_removed) made.push_back(mine);
      continue;
    }
    in.memory().loaded(key, *std::move(row));
    made.push_back(entity.get());
    insert(member{std::move(entity), &in}, key);
  }
  return made;
}

result<void*> unit_core::find(const std::shared_ptr<table>& of,
                              std::span<const filter_value::one> key, maker make) {
  row_query which;
  if (auto wrong = where_key(*of, key, which)) return fail(*std::move(wrong));
  auto values = key_columns(*of, key);
  if (!values) return fail(std::move(values.error()));
  if (auto* mine = known(rows_of(of), joined_text(*values))) {
    return find(mine)->is_removed ? nullptr : mine;
  }
  auto found = adopt(of, which, make);
  if (!found) return fail(std::move(found.error()));
  return found->empty() ? nullptr : found->front();
}

void* unit_core::known(row_mapper& in, const std::string& key) {
  const auto found = by_key_.find({&in, key});
  return found == by_key_.end() ? nullptr : found->second;
}

void unit_core::insert(member one, const std::string& key) {
  auto* address = one.entity.get();
  by_key_[{one.in, key}] = address;
  by_address_[address] = entities_.insert(entities_.end(), std::move(one));
}

void unit_core::add(const std::shared_ptr<table>& of, std::shared_ptr<void> entity) {
  auto* address = entity.get();
  by_address_[address] =
      entities_.insert(entities_.end(), member{std::move(entity), &rows_of(of), true, false});
}

void unit_core::link(void* child, std::string foreign_key, void* parent) {
  links_.push_back({child, std::move(foreign_key), parent});
}

result<void> unit_core::remove(void* entity) {
  auto* found = find(entity);
  if (found == nullptr) {
    return fail(errc::invalid_argument, "the entity to remove is none of this unit of work");
  }
  std::erase_if(links_, [&](const link_of& l) { return l.child == entity || l.parent == entity; });
  if (found->is_new) {
    entities_.erase(by_address_.at(entity));
    by_address_.erase(entity);
  } else {
    found->is_removed = true;
  }
  return {};
}

std::vector<row_mapper*> unit_core::in_order() const {
  // By the relations that mappings declare, from either side.
  const auto belongs_to = [](const table& child, const table& parent) {
    const auto says = [&](const table& from, const table& to, relation_kind kind) {
      return std::ranges::any_of(from.relations, [&](const relation& r) {
        return r.kind == kind && r.target.get() == &to;
      });
    };
    return says(child, parent, relation_kind::belongs_to) ||
           says(parent, child, relation_kind::has);
  };
  std::vector<row_mapper*> made;
  std::set<row_mapper*> seen;
  const std::function<void(row_mapper*)> visit = [&](row_mapper* one) {
    if (!seen.insert(one).second) return;  // also breaks circles
    for (const auto& other : mappers_) {
      if (other.get() != one && belongs_to(one->of(), other->of())) visit(other.get());
    }
    made.push_back(one);
  };
  for (const auto& one : mappers_) visit(one.get());
  return made;
}

result<void> unit_core::set_links(void* child) {
  for (const auto& link : links_) {
    if (link.child != child) continue;
    const auto* from = find(link.parent);
    const auto* to = find(child);
    if (from == nullptr || to == nullptr) {
      return fail(errc::invalid_argument,
                  fmt::format("the link by {} joins entities that are none of this unit of work",
                              link.foreign_key));
    }
    const auto at = to->in->of().column_of(link.foreign_key);
    if (!at || from->in->of().key.size() != 1) {
      return fail(errc::invalid_argument,
                  fmt::format("table {}: the link by {} needs a column of that name, and a parent "
                              "whose key is one column",
                              to->in->of().name, link.foreign_key));
    }
    auto parent = from->in->dehydrated(link.parent);
    if (!parent) return fail(std::move(parent.error()));
    auto& child_of = to->in->of();
    if (!child_of.is_field(*at)) continue;
    try {
      child_of.entity.assign(child, child_of.rules, *at,
                             (*parent)[from->in->of().key.front()].value_or(sql_value{}));
    } catch (const misfit& why) {
      return fail(errc::invalid_argument,
                  fmt::format("{}: the value {}", child_of.place(why.field), why.why));
    }
  }
  return {};
}

result<void> unit_core::write_all(write_runs& runs) {
  const auto order = in_order();
  for (auto* in : order) {
    for (auto& one : entities_) {
      if (one.in != in || one.is_removed) continue;
      if (const auto& ready = in->of().finish(); !ready) return ready;
      if (auto done = set_links(one.entity.get()); !done) return done;
      auto item = runs.of(*in).store(one.entity.get());
      if (!item) return fail(*std::move(item.why));
    }
  }
  for (auto in = order.rbegin(); in != order.rend(); ++in) {
    for (auto one = entities_.rbegin(); one != entities_.rend(); ++one) {
      if (one->in != *in || !one->is_removed) continue;
      auto item = runs.of(**in).remove(one->entity.get(), removal::by_mapping);
      if (!item) return fail(*std::move(item.why));
    }
  }
  return {};
}

result<void> unit_core::flush() {
  write_runs runs{*on_};
  auto done = write_all(runs);
  if (done) done = runs.commit();
  if (!done) {
    runs.put_back();
    return done;
  }
  auto what = settle(runs);
  if (on_->in_transaction()) {
    on_->undoes().add([weak = weak_from_this(), what = std::move(what)] {
      if (const auto self = weak.lock()) self->undo(what);
    });
  }
  return {};
}

unit_core::flushed unit_core::settle(write_runs& runs) {
  flushed what{.generation = generation_};
  what.links = std::exchange(links_, {});
  what.set = runs.take_set();
  for (auto one = entities_.begin(); one != entities_.end();) {
    auto* address = one->entity.get();
    if (one->is_removed) {
      std::erase_if(by_key_, [&](const auto& pair) { return pair.second == address; });
      by_address_.erase(address);
      what.removed.push_back(std::move(*one));
      one = entities_.erase(one);
      continue;
    }
    if (one->is_new) {
      const auto row = one->in->dehydrated(address);
      const auto key = row ? key_of(one->in->of(), *row) : std::string{};
      if (one->in->memory().find(key) != nullptr) {  // it was not cancelled
        by_key_[{one->in, key}] = address;
        one->is_new = false;
        what.inserted.push_back(address);
      }
    }
    ++one;
  }
  return what;
}

void unit_core::undo(const flushed& what) {
  if (what.generation != generation_) return;  // the entities are gone
  links_.insert(links_.end(), what.links.begin(), what.links.end());
  for (const auto& one : what.removed) {
    if (const auto row = one.in->dehydrated(one.entity.get())) {
      insert(one, key_of(one.in->of(), *row));
    }
  }
  for (auto* address : what.inserted) {
    auto* one = find(address);
    if (one == nullptr) continue;
    std::erase_if(by_key_, [&](const auto& pair) { return pair.second == address; });
    one->is_new = true;
  }
  for (const auto& [in, set] : what.set) {
    std::vector<set_field> still = set;
    std::erase_if(still, [&](const set_field& one) { return find(one.entity) == nullptr; });
    put_back(in->of(), still);
  }
}

void unit_core::clear() {
  entities_.clear();
  by_address_.clear();
  by_key_.clear();
  links_.clear();
  ++generation_;
  for (const auto& one : mappers_) one->memory().clear();
}

void unit_core::use(session& on) {
  clear();
  mappers_.clear();
  on_ = &on;
}

}}}  // namespace nexus::v0::detail
