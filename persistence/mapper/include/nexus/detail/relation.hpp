// A relation between two tables, without the types of their entities.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nexus { inline namespace v0 {

/// The table between two tables. Its columns hold a key each, in the order of the keys' columns.
struct link_table {
  std::string table;
  std::vector<std::string> own;      ///< the key of the mapping's rows
  std::vector<std::string> related;  ///< the key of the related rows
};

namespace detail {

struct table;

enum class relation_kind : std::uint8_t { has, belongs_to, many_to_many };

struct relation {
  std::string name{};
  relation_kind kind = relation_kind::has;
  std::shared_ptr<table> target{};
  std::vector<std::string> columns{};  ///< the foreign key: of the target, or own (belongs_to)
  link_table between{};

  // A list of related entities, which stay where they are.
  std::shared_ptr<void> (*make_list)() = nullptr;
  void* (*add)(void* list) = nullptr;

  std::function<void(void* entity)> clear{};
  /// Adds a related entity to an entity; `is_last`: it may be moved.
  std::function<void(void* entity, void* related, bool is_last)> attach{};
  std::function<void(void* entity, std::int64_t count)> set_count{};
};

}
}}  // namespace nexus::v0
