#include "memory_documents.hpp"

#include <algorithm>

namespace nexus { inline namespace v0 { namespace memory {
namespace {

std::shared_ptr<const indexed_document> made(const document_view& document,
                                             std::span<const std::string> indexed,
                                             std::vector<indexed_value> values) {
  return std::make_shared<const indexed_document>(indexed_document{
      stored_document::of(document), {indexed.begin(), indexed.end()}, std::move(values)});
}

bool has(const indexed_document& in, const indexed_value& value) {
  return std::ranges::find(in.values, value) != in.values.end();
}

bool indexes(const indexed_document& in, const indexed_value& value) {
  return std::ranges::find(in.indexed, value.field) != in.indexed.end();
}

}  // namespace

result<std::unique_lock<std::mutex>> memory_documents::locked() {
  std::unique_lock guard{store_.lock};
  if (interrupted_) return fail(why_interrupted());
  return guard;
}

const documents& memory_documents::collection(std::string_view name) const {
  static const documents none;
  const auto found = store_.collections.find(name);
  return found == store_.collections.end() ? none : found->second;
}

result<void> memory_documents::put(std::string_view name, std::span<const document_write> writes,
                                   std::span<const std::string> indexed) {
  auto sorted = checked(name, writes, indexed);
  if (!sorted) return fail(std::move(sorted.error()));
  const auto guard = locked();
  if (!guard) return fail(guard.error());
  auto& into = store_.collections[std::string{name}];
  for (const auto* one : *sorted) {
    into.insert_or_assign(std::string{one->document.id}, made(one->document, indexed, one->values));
  }
  return {};
}

result<std::vector<stored_document>> memory_documents::get_many(std::string_view name,
                                                                std::span<const std::string> ids,
                                                                consistency /*wanted*/) {
  if (auto why = fault_of_document_ids(name, ids)) return fail(*std::move(why));
  const auto guard = locked();
  if (!guard) return fail(guard.error());
  const auto& from = collection(name);
  std::vector<stored_document> found;
  for (const auto id : without_repeats(ids)) {
    if (const auto at = from.find(id); at != from.end()) found.push_back(at->second->value);
  }
  return found;
}

result<std::size_t> memory_documents::remove(std::string_view name,
                                             std::span<const std::string> ids) {
  if (auto why = fault_of_document_ids(name, ids)) return fail(*std::move(why));
  const auto guard = locked();
  if (!guard) return fail(guard.error());
  const auto from = store_.collections.find(name);
  if (from == store_.collections.end()) return 0;
  std::size_t removed = 0;
  for (const auto& id : ids) removed += from->second.erase(id);
  return removed;
}

result<void> memory_documents::all(std::string_view name, consistency /*wanted*/,
                                   const document_sink& sink) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  std::vector<std::shared_ptr<const indexed_document>> found;
  {
    const auto guard = locked();
    if (!guard) return fail(guard.error());
    for (const auto& [id, one] : collection(name)) found.push_back(one);
  }
  for (const auto& one : found) {
    if (interrupted_) return fail(why_interrupted());
    if (!sink(one->value.view())) return {};
  }
  return {};
}

result<std::size_t> memory_documents::remove_all(std::string_view name) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  const auto guard = locked();
  if (!guard) return fail(guard.error());
  const auto from = store_.collections.find(name);
  if (from == store_.collections.end()) return 0;
  const auto removed = from->second.size();
  store_.collections.erase(from);
  return removed;
}

result<std::optional<std::vector<std::string>>> memory_documents::find(
    std::string_view name, std::span<const indexed_value> values, consistency /*wanted*/) {
  if (auto why = fault_of_search(name, values)) return fail(*std::move(why));
  const auto guard = locked();
  if (!guard) return fail(guard.error());
  std::vector<std::string> ids;
  for (const auto& [id, document] : collection(name)) {
    const auto all = [&values, &one = *document](auto holds) {
      return std::ranges::all_of(values, [&](const auto& v) { return holds(one, v); });
    };
    if (!all(indexes)) return std::nullopt;
    if (all(has)) ids.push_back(id);
  }
  return ids;
}

result<std::size_t> memory_documents::reindex(std::string_view name,
                                              std::span<const std::string> indexed,
                                              const document_indexer& values_of) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  if (auto why = fault_of_indexes(indexed)) return fail(*std::move(why));
  const auto guard = locked();
  if (!guard) return fail(guard.error());
  documents rebuilt;
  for (const auto& [id, one] : collection(name)) {
    auto values = values_of(one->value.view());
    if (!values) return fail(std::move(values.error()));
    rebuilt.emplace_hint(rebuilt.end(), id, made(one->value.view(), indexed, std::move(*values)));
  }
  const auto count = rebuilt.size();
  if (count > 0) store_.collections[std::string{name}] = std::move(rebuilt);
  return count;
}

}}}  // namespace nexus::v0::memory
