#include "nexus/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <variant>

namespace nexus { inline namespace v0 {

/// A field stays bytes until its map is requested.
struct document::field {
  std::string name;
  std::variant<std::string, std::shared_ptr<map>> value;
};

struct document::map {
  std::vector<field> fields;

  auto find(std::string_view name) {
    return std::find_if(fields.begin(), fields.end(), [&](auto& f) { return f.name == name; });
  }

  void write(std::string& out) const {
    detail::byte_sink sink{out};
    msgpack::packer<detail::byte_sink> packer{sink};
    packer.pack_map(static_cast<std::uint32_t>(fields.size()));
    for (const auto& f : fields) {
      packer.pack(f.name);
      if (const auto* nested = std::get_if<std::shared_ptr<map>>(&f.value)) {
        (*nested)->write(out);
      } else {
        out += std::get<std::string>(f.value);
      }
    }
  }
};

document::document() : map_{std::make_shared<map>()} {}
document::document(std::shared_ptr<map> m) : map_{std::move(m)} {}
document::document(document&&) noexcept = default;
document& document::operator=(document&&) noexcept = default;
document::~document() = default;

result<document> document::parse(std::string_view bytes) {
  document read;
  if (auto done = decode(bytes, read); !done) return fail(done.error());
  return read;
}

void document::read(const msgpack::object& from) {
  if (from.type != msgpack::type::MAP) throw detail::field_error{"is not a map"};
  auto made = std::make_shared<map>();
  made->fields.reserve(from.via.map.size);
  for (std::uint32_t i = 0; i < from.via.map.size; ++i) {
    const auto& [key, value] = from.via.map.ptr[i];
    if (key.type != msgpack::type::STR) throw detail::field_error{"has a key that is not a string"};
    std::string bytes;
    detail::byte_sink sink{bytes};
    msgpack::pack(sink, value);
    made->fields.push_back({key.as<std::string>(), std::move(bytes)});
  }
  map_ = std::move(made);
}

void document::write(std::string& out) const { map_->write(out); }

std::string document::bytes() const {
  std::string out;
  write(out);
  return out;
}

bool document::has(std::string_view name) const noexcept {
  return map_->find(name) != map_->fields.end();
}

std::vector<std::string> document::names() const {
  std::vector<std::string> all;
  all.reserve(map_->fields.size());
  for (const auto& f : map_->fields) all.push_back(f.name);
  return all;
}

result<std::string> document::raw(std::string_view name) const {
  const auto found = map_->find(name);
  if (found == map_->fields.end()) {
    return fail(errc::corrupt, fmt::format("field \"{}\" is missing", name));
  }
  if (const auto* nested = std::get_if<std::shared_ptr<map>>(&found->value)) {
    std::string out;
    (*nested)->write(out);
    return out;
  }
  return std::get<std::string>(found->value);
}

void document::set_raw(std::string_view name, std::string bytes) {
  const auto found = map_->find(name);
  if (found == map_->fields.end()) {
    map_->fields.push_back({std::string{name}, std::move(bytes)});
  } else {
    found->value = std::move(bytes);
  }
}

result<document> document::at(std::string_view name) {
  const auto found = map_->find(name);
  if (found != map_->fields.end()) {
    if (const auto* nested = std::get_if<std::shared_ptr<map>>(&found->value)) {
      return document{*nested};
    }
  }
  auto read = get<document>(name);
  if (read) found->value = read->map_;
  return read;
}

bool document::rename(std::string_view from, std::string_view to) {
  if (!has(from)) return false;
  if (from == to) return true;
  if (has(to)) {
    throw std::invalid_argument{fmt::format(
        "field \"{}\" cannot be renamed to \"{}\": there is a field of that name already; erase "
        "the one that is not wanted first",
        from, to)};
  }
  map_->find(from)->name = to;
  return true;
}

bool document::erase(std::string_view name) {
  return std::erase_if(map_->fields, [&](const field& f) { return f.name == name; }) > 0;
}

error document::named(std::string_view name, const error& why) {
  return {why.code, fmt::format("field \"{}\": {}", name, why.message)};
}

}}  // namespace nexus::v0
