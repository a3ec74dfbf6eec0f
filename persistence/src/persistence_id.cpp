#include "nexus/persistence_id.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace nexus { inline namespace v0 {
result<persistence_id> persistence_id::make(std::string_view type, std::string_view id) {
  auto bad = [&](std::string_view why) {
    return fail(errc::invalid_id,
                fmt::format("persistence id \"{}|{}\": {}", shown(type), shown(id), why));
  };
  if (type.empty()) return bad("the type is empty");
  if (id.empty()) return bad("the id is empty");
  if (type.find('|') != std::string_view::npos) return bad("the type contains '|'");
  std::string text;
  text.reserve(type.size() + 1 + id.size());
  text.append(type).append(1, '|').append(id);
  if (text.size() > bytes_max) {
    return bad(fmt::format("{} bytes, at most {} are allowed", text.size(), bytes_max));
  }
  if (text.find('\0') != std::string::npos) return bad("contains a NUL byte");
  if (!is_utf8(text)) return bad("is not valid UTF-8");
  return persistence_id{std::move(text)};
}

result<persistence_id> persistence_id::parse(std::string_view text) {
  auto bar = text.find('|');
  if (bar == std::string_view::npos) {
    return fail(errc::invalid_id,
                fmt::format("persistence id \"{}\": no '|' after the type", shown(text)));
  }
  return make(text.substr(0, bar), text.substr(bar + 1));
}

std::uint32_t persistence_id::slice() const noexcept {
  std::uint64_t hash = 14695981039346656037u;
  for (unsigned char c : text_) hash = (hash ^ c) * 1099511628211u;
  return static_cast<std::uint32_t>(hash % slices);
}

}}  // namespace nexus::v0
