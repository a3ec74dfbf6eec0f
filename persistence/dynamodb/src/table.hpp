// The requests to one table, as a session makes them; each reads consistently.
//
// Threads: one at a time. Throws: nothing. Failures: those of `error_of`, which name the table.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client.hpp"
#include "values.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// The items of a partition between two places, both included.
struct item_range {
  std::string p;
  std::string from{};  ///< empty: from the first one
  std::string to{};    ///< empty: to the last one
  bool ascending = true;
  std::size_t limit = 0;  ///< 0: as many as a page of 1 MB has
  std::string only{};     ///< the attributes wanted, as in "s, n"; empty: all
  json after = nullptr;   ///< page::next of the page before
};

struct page {
  std::vector<json> items;
  json next = nullptr;  ///< null: it was the last one
};

class table {
 public:
  table(client& by, std::string_view name) : client_{by}, name_{name} {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] client& by() { return client_; }

  // Bodies of requests:
  [[nodiscard]] request get(const item_key& key) const;
  [[nodiscard]] request query(const item_range& range) const;
  [[nodiscard]] request put(json item) const;
  [[nodiscard]] request remove(const item_key& key) const;

  // The same, asked:
  /// Null: there is no such item.
  [[nodiscard]] result<json> item(const item_key& key);
  [[nodiscard]] result<page> items(const item_range& range);
  /// The items of all pages.
  [[nodiscard]] result<std::vector<json>> all_items(item_range range);
  /// The items of the keys that are there, in any order. Keys differ.
  [[nodiscard]] result<std::vector<json>> many_items(std::span<const item_key> keys);
  [[nodiscard]] result<void> write(request one);
  /// All of them, or the first error; the others may be done all the same.
  [[nodiscard]] result<std::vector<json>> ask_all(std::span<const request> requests);
  [[nodiscard]] result<void> remove_all(std::span<const item_key> keys);

  [[nodiscard]] error told(const fault& why) const;

 private:
  client& client_;
  std::string name_;
};

/// The item in an answer to `get`; null if there is none.
[[nodiscard]] json item_of(json answer);
[[nodiscard]] page page_of(json answer);

// Actions of TransactWriteItems; `more` has ConditionExpression and alike.
[[nodiscard]] json put_action(std::string_view table, json item, json more = json::object());
[[nodiscard]] json update_action(std::string_view table, const item_key& key, json more);
[[nodiscard]] json delete_action(std::string_view table, const item_key& key);
/// The transaction, with a token of its own: sent twice, it is carried out once.
[[nodiscard]] request transaction(json actions);

}}}  // namespace nexus::v0::dynamodb
