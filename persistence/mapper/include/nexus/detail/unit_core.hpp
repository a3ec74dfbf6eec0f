// A unit of work without the types of its entities.
//
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "nexus/detail/row_mapper.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class write_runs;
struct set_field;

class unit_core : public std::enable_shared_from_this<unit_core> {
 public:
  explicit unit_core(session& on) : on_{&on} {}

  [[nodiscard]] row_mapper& rows_of(const std::shared_ptr<table>& of);

  using maker = std::shared_ptr<void> (*)();
  [[nodiscard]] result<std::vector<void*>> adopt(const std::shared_ptr<table>& of,
                                                 const row_query& which, maker make);
  /// The entity with this key, or null, without a statement if the unit has it.
  [[nodiscard]] result<void*> find(const std::shared_ptr<table>& of,
                                   std::span<const filter_value::one> key, maker make);
  void add(const std::shared_ptr<table>& of, std::shared_ptr<void> entity);
  void link(void* child, std::string foreign_key, void* parent);
  [[nodiscard]] result<void> remove(void* entity);
  [[nodiscard]] result<void> flush();
  void clear();
  void use(session& on);

  [[nodiscard]] std::size_t size() const noexcept { return entities_.size(); }
  [[nodiscard]] session& on() const noexcept { return *on_; }

 private:
  struct member {
    std::shared_ptr<void> entity;
    row_mapper* in = nullptr;
    bool is_new = false;
    bool is_removed = false;
    std::string key{};  // of its row
    enum class writing : std::uint8_t { not_yet, begun, done } state = writing::not_yet;
  };
  struct link_of {
    std::string foreign_key;
    void* parent;
  };
  using links_by_child = std::unordered_multimap<void*, link_of>;

  // What a flush has changed here, for a rollback of the transaction around it.
  struct flushed {
    std::size_t generation = 0;
    std::vector<member> removed{};
    std::vector<void*> inserted{};
    links_by_child links{};
    // What was set on entities, by their mappers.
    std::vector<std::pair<row_mapper*, std::vector<set_field>>> set{};
  };

  member* find(void* entity);
  [[nodiscard]] void* known(row_mapper& in, const std::string& key);
  void insert(member one);
  void erase(void* entity);
  flushed settle(write_runs& runs);
  void undo(const flushed& what);
  // Tables before the tables whose rows belong to theirs.
  [[nodiscard]] std::vector<row_mapper*> in_order() const;
  result<void> write_all(write_runs& runs);
  result<void> check_keys(std::vector<member*>& replaced);
  result<void> write(write_runs& runs, member& one);
  // Also writes the parents first.
  result<void> set_links(write_runs& runs, member& child);
  result<void> remove(write_runs& runs, member& one);

  session* on_;
  std::vector<std::unique_ptr<row_mapper>> mappers_;
  std::list<member> entities_;  // in the order of `add`
  std::unordered_map<void*, std::list<member>::iterator> by_address_;
  std::map<std::pair<row_mapper*, std::string>, void*> by_key_;
  links_by_child links_;
  std::size_t generation_ = 0;  // of the entities; `clear` begins another
};

}}}  // namespace nexus::v0::detail
