#include "nexus/document_storage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "text.hpp"

namespace nexus { inline namespace v0 {
namespace {

using limits = document_limits;

std::string fault_of_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return fmt::format("has {} bytes, at most {} are allowed", text.size(), bytes_max);
  }
  if (text.find('\0') != std::string_view::npos) return "contains a NUL byte";
  if (!is_utf8(text)) return "is not valid UTF-8";
  return {};
}

std::string fault_of_name(std::string_view text) {
  if (text.empty()) return "is empty";
  return fault_of_text(text, limits::name_bytes_max);
}

std::string fault_of_field(std::string_view field) {
  if (field.empty()) return "is empty";
  if (field.find(',') != std::string_view::npos) return "contains a comma";
  return fault_of_text(field, limits::field_bytes_max);
}

std::optional<error> fault_of(std::string_view what, std::string_view text, std::string_view why) {
  if (why.empty()) return std::nullopt;
  return error{errc::invalid_argument, fmt::format("the {} \"{}\" {}", what, shown(text), why)};
}

std::optional<error> fault_of(const indexed_value& one) {
  if (auto why = fault_of("indexed field", one.field, fault_of_field(one.field))) return why;
  return fault_of(fmt::format("value of the indexed field {}", one.field), one.value,
                  fault_of_text(one.value, limits::value_bytes_max));
}

std::optional<error> fault_of(const document_write& write, std::span<const std::string> indexed) {
  const auto& d = write.document;
  if (auto why = fault_of_document_id(d.id)) return why;
  if (auto why = fault_of("type", d.type, fault_of_name(d.type))) return why;
  if (auto why = fault_of("codec", d.codec, fault_of_name(d.codec))) return why;
  if (d.schema_version == 0) return error{errc::invalid_argument, "the schema version is 0"};
  if (d.data.size() > limits::data_bytes_max) {
    return error{errc::too_large, fmt::format("{} bytes, at most {} are allowed", d.data.size(),
                                              limits::data_bytes_max)};
  }
  for (const auto& one : write.values) {
    if (auto why = fault_of(one)) return why;
    if (std::ranges::find(indexed, one.field) == indexed.end()) {
      return error{errc::invalid_argument,
                   fmt::format("it has a value of the field {}, which is not indexed", one.field)};
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(consistency kind) noexcept {
  return kind == consistency::strong ? "strong" : "eventual";
}

result<std::optional<stored_document>> document_storage::get(std::string_view name,
                                                             std::string_view id,
                                                             consistency wanted) {
  const std::string one{id};
  auto found = get_many(name, std::span{&one, 1}, wanted);
  if (!found) return fail(std::move(found.error()));
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

result<bool> document_storage::remove(std::string_view name, std::string_view id) {
  const std::string one{id};
  return remove(name, std::span{&one, 1}).map([](std::size_t count) { return count > 0; });
}

std::optional<error> fault_of_collection(std::string_view name) {
  return fault_of("name of a collection", name, fault_of_name(name));
}

std::optional<error> fault_of_document_id(std::string_view id) {
  const auto why = fault_of_name(id);
  if (why.empty()) return std::nullopt;
  return error{errc::invalid_id, fmt::format("the id \"{}\" {}", shown(id), why)};
}

std::optional<error> fault_of_document_ids(std::string_view name,
                                           std::span<const std::string> ids) {
  if (auto why = fault_of_collection(name)) return why;
  for (const auto& id : ids) {
    if (auto why = fault_of_document_id(id)) {
      return error{why->code, fmt::format("{}: {}", name, why->message)};
    }
  }
  return std::nullopt;
}

std::optional<error> fault_of_indexes(std::span<const std::string> indexed) {
  if (indexed.size() > limits::indexes_max) {
    return error{errc::invalid_argument, fmt::format("{} indexed fields, at most {} are allowed",
                                                     indexed.size(), limits::indexes_max)};
  }
  for (const auto& field : indexed) {
    if (auto why = fault_of("indexed field", field, fault_of_field(field))) return why;
  }
  return std::nullopt;
}

std::optional<error> fault_of_search(std::string_view name, std::span<const indexed_value> values) {
  if (auto why = fault_of_collection(name)) return why;
  if (values.empty()) return error{errc::invalid_argument, fmt::format("{}: no values", name)};
  for (const auto& one : values) {
    if (auto why = fault_of(one))
      return error{why->code, fmt::format("{}: {}", name, why->message)};
  }
  return std::nullopt;
}

result<std::vector<const document_write*>> checked(std::string_view name,
                                                   std::span<const document_write> writes,
                                                   std::span<const std::string> indexed) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  if (auto why = fault_of_indexes(indexed)) {
    return fail(why->code, fmt::format("{}: {}", name, why->message));
  }
  std::vector<const document_write*> sorted;
  sorted.reserve(writes.size());
  for (const auto& one : writes) {
    if (auto why = fault_of(one, indexed)) {
      return fail(why->code,
                  fmt::format("{} \"{}\": {}", name, shown(one.document.id), why->message));
    }
    sorted.push_back(&one);
  }
  const auto id_of = [](const document_write* one) { return one->document.id; };
  std::ranges::sort(sorted, {}, id_of);
  const auto twice = std::ranges::adjacent_find(sorted, {}, id_of);
  if (twice == sorted.end()) return sorted;
  return fail(errc::invalid_argument,
              fmt::format("{} \"{}\": is to be written twice", name, shown(id_of(*twice))));
}

std::vector<std::string_view> without_repeats(std::span<const std::string> ids) {
  std::vector<std::string_view> kept;
  std::unordered_set<std::string_view> seen;
  for (const auto& id : ids) {
    if (seen.insert(id).second) kept.emplace_back(id);
  }
  return kept;
}

}}  // namespace nexus::v0
