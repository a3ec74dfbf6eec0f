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
    move_to(in.memory().loaded(*on_, key, row->size()), *row);
    made.push_back(entity.get());
    insert(member{.entity = std::move(entity), .in = &in, .key = key});
  }
  return made;
}

result<void*> unit_core::find(const std::shared_ptr<table>& of,
                              std::span<const filter_value::one> key, maker make) {
  row_query which;
  if (auto wrong = where_key(*of, key, which)) return fail(*std::move(wrong));
  auto values = key_columns(*of, key);
  if (!values) return fail(std::move(values.error()));
  if (auto* mine = known(rows_of(of), memory_key(*values))) {
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

void unit_core::insert(member one) {
  auto* address = one.entity.get();
  if (!one.is_new) by_key_[{one.in, one.key}] = address;
  by_address_[address] = entities_.insert(entities_.end(), std::move(one));
}

void unit_core::erase(void* entity) {
  const auto at = by_address_.find(entity);
  const auto known = by_key_.find({at->second->in, at->second->key});
  if (known != by_key_.end() && known->second == entity) by_key_.erase(known);
  entities_.erase(at->second);
  by_address_.erase(at);
  links_.erase(entity);
  std::erase_if(links_, [&](const auto& link) { return link.second.parent == entity; });
}

void unit_core::add(const std::shared_ptr<table>& of, std::shared_ptr<void> entity) {
  insert(member{.entity = std::move(entity), .in = &rows_of(of), .is_new = true});
}

void unit_core::link(void* child, std::string foreign_key, void* parent) {
  links_.emplace(child, link_of{std::move(foreign_key), parent});
}

result<void> unit_core::remove(void* entity) {
  auto* found = find(entity);
  if (found == nullptr) {
    return fail(errc::invalid_argument, "the entity to remove is none of this unit of work");
  }
  if (found->is_new) {
    erase(entity);
  } else {
    found->is_removed = true;
    links_.erase(entity);
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

// One entity per row: a row that is to be removed may be replaced, any other is here already.
result<void> unit_core::check_keys(std::vector<member*>& replaced) {
  std::set<std::pair<row_mapper*, std::string>> added;
  for (auto& one : entities_) {
    one.state = member::writing::not_yet;
    if (!one.is_new) continue;
    if (const auto& ready = one.in->of().finish(); !ready) return ready;
    row_values row(one.in->of().columns.size());
    if (auto done = write_key(one.in->of(), one.entity.get(), row); !done) return done;
    if (!has_key(one.in->of(), row)) continue;
    const auto key = key_of(one.in->of(), row);
    auto* before = known(*one.in, key);
    auto* other = before == nullptr ? nullptr : find(before);
    if (!added.insert({one.in, key}).second || (other != nullptr && !other->is_removed)) {
      return fail(errc::invalid_argument, fmt::format("two entities of the unit of work are {}",
                                                      shown_key(one.in->of(), row)));
    }
    if (other != nullptr) replaced.push_back(other);
  }
  return {};
}

result<void> unit_core::set_links(write_runs& runs, member& child) {
  const auto [begin, end] = links_.equal_range(child.entity.get());
  for (auto at = begin; at != end; ++at) {
    auto& [foreign_key, parent] = at->second;
    auto* from = find(parent);
    if (from == nullptr || from->is_removed) {
      return fail(errc::invalid_argument,
                  fmt::format("the parent of the link by {} is none of this unit of work, or is "
                              "to be removed",
                              foreign_key));
    }
    if (auto done = write(runs, *from); !done) return done;
    auto& of = child.in->of();
    const auto column = of.column_of(foreign_key);
    if (!column || from->in->of().key.size() != 1) {
      return fail(errc::invalid_argument,
                  fmt::format("table {}: the link by {} needs a column of that name, and a parent "
                              "whose key is one column",
                              of.name, foreign_key));
    }
    row_values key(from->in->of().columns.size());
    if (auto done = write_key(from->in->of(), parent, key); !done) return done;
    if (from->is_new && !from->in->memory().has(key_of(from->in->of(), key))) {
      return fail(errc::rejected,
                  fmt::format("table {}: the parent of the link by {} was not written: a listener "
                              "cancelled it",
                              of.name, foreign_key));
    }
    row_values value(of.columns.size());
    value[*column] = key[from->in->of().key.front()];
    if (auto done = runs.of(*child.in).set(child.entity.get(), value, *column); !done) return done;
  }
  return {};
}

result<void> unit_core::write(write_runs& runs, member& one) {
  if (one.state == member::writing::done) return {};
  if (one.state == member::writing::begun) {
    return fail(
        errc::invalid_argument,
        fmt::format("table {}: the links of the unit of work form a circle", one.in->of().name));
  }
  one.state = member::writing::begun;
  if (const auto& ready = one.in->of().finish(); !ready) return ready;
  if (auto done = set_links(runs, one); !done) return done;
  auto item = runs.of(*one.in).store(one.entity.get());
  if (!item) return fail(*std::move(item.why));
  one.state = member::writing::done;
  return {};
}

result<void> unit_core::remove(write_runs& runs, member& one) {
  if (one.state == member::writing::done) return {};
  one.state = member::writing::done;
  auto item = runs.of(*one.in).remove(one.entity.get(), removal::by_mapping);
  if (!item) return fail(*std::move(item.why));
  return {};
}

result<void> unit_core::write_all(write_runs& runs) {
  std::vector<member*> replaced;
  if (auto done = check_keys(replaced); !done) return done;
  for (auto* one : replaced) {
    if (auto done = remove(runs, *one); !done) return done;
  }
  const auto order = in_order();
  for (auto* in : order) {
    for (auto& one : entities_) {
      if (one.in != in || one.is_removed) continue;
      if (auto done = write(runs, one); !done) return done;
    }
  }
  for (auto in = order.rbegin(); in != order.rend(); ++in) {
    for (auto one = entities_.rbegin(); one != entities_.rend(); ++one) {
      if (one->in != *in || !one->is_removed) continue;
      if (auto done = remove(runs, *one); !done) return done;
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
  what.set = runs.take_set();
  what.links = links_;
  for (auto one = entities_.begin(); one != entities_.end();) {
    auto* address = one->entity.get();
    if (one->is_removed) {
      what.removed.push_back(*one);
      ++one;
      erase(address);
      continue;
    }
    row_values row(one->in->of().columns.size());
    if (one->is_new && write_key(one->in->of(), address, row)) {
      auto key = key_of(one->in->of(), row);
      if (one->in->memory().has(key)) {  // it was not cancelled
        by_key_[{one->in, key}] = address;
        one->key = std::move(key);
        one->is_new = false;
        what.inserted.push_back(address);
      }
    }
    if (!one->is_new) links_.erase(address);
    ++one;
  }
  return what;
}

void unit_core::undo(const flushed& what) {
  if (what.generation != generation_) return;  // the entities are gone
  for (const auto& one : what.removed) insert(one);
  for (auto* address : what.inserted) {
    auto* one = find(address);
    if (one == nullptr) continue;
    if (one->is_removed) {  // since; it was never there
      erase(address);
      continue;
    }
    const auto known = by_key_.find({one->in, one->key});
    if (known != by_key_.end() && known->second == address) by_key_.erase(known);
    one->is_new = true;
  }
  for (const auto& link : what.links) {
    const auto [begin, end] = links_.equal_range(link.first);
    const bool is_there = std::any_of(begin, end, [&](const auto& other) {
      return other.second.foreign_key == link.second.foreign_key;
    });
    if (!is_there && find(link.first) != nullptr) links_.insert(link);
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
