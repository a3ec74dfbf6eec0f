// JSON of msgpack values, and back.
//
// What JSON has no form for is an object with one name that begins with $:
//   {"$bytes": "6869"}          bytes, as hexadecimal digits
//   {"$ext": [-1, "6869"]}      an extension, e.g. a time
//   {"$map": [[1, "a"]]}        a map whose keys are not texts, are twice, or begin with $
//   {"$float": "nan"}           nan, inf, -inf
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "nexus/codec.hpp"
#include "nexus/detail/column_value.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

using json = nlohmann::ordered_json;

[[noreturn]] void not_json(std::string_view why) {
  throw unfit{fmt::format("is not JSON: {}", why)};
}

json marked(const char* name, json value) {
  auto made = json::object();
  made[name] = std::move(value);
  return made;
}

std::string digits_of(std::string_view bytes) {
  std::string made;
  for (const char c : bytes) made += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return made;
}

std::string bytes_in(const json& digits) {
  const auto& text = digits.get_ref<const std::string&>();
  std::string made;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned byte = 0;
    const auto* at = text.data() + i;
    const auto* end = at + 2;
    if (i + 1 == text.size() || std::from_chars(at, end, byte, 16).ptr != end) {
      not_json("bytes are pairs of hexadecimal digits");
    }
    made += static_cast<char>(byte);
  }
  return made;
}

json to_json(const msgpack::object& from);

json number_to_json(double number) {
  if (std::isfinite(number)) return number;
  return marked("$float", std::isnan(number) ? "nan" : number < 0 ? "-inf" : "inf");
}

json array_to_json(const msgpack::object_array& of) {
  auto made = json::array();
  for (std::uint32_t i = 0; i < of.size; ++i) made.push_back(to_json(of.ptr[i]));
  return made;
}

bool is_plain(const msgpack::object_map& of) {
  std::set<std::string_view> names;
  for (std::uint32_t i = 0; i < of.size; ++i) {
    const auto& key = of.ptr[i].key;
    if (key.type != msgpack::type::STR) return false;
    const std::string_view name{key.via.str.ptr, key.via.str.size};
    if (name.starts_with('$') || !names.insert(name).second) return false;
  }
  return true;
}

json map_to_json(const msgpack::object_map& of) {
  auto made = json::object();
  if (is_plain(of)) {
    for (std::uint32_t i = 0; i < of.size; ++i) {
      made.push_back({of.ptr[i].key.as<std::string>(), to_json(of.ptr[i].val)});
    }
    return made;
  }
  auto pairs = json::array();
  for (std::uint32_t i = 0; i < of.size; ++i) {
    pairs.push_back(json::array({to_json(of.ptr[i].key), to_json(of.ptr[i].val)}));
  }
  return marked("$map", std::move(pairs));
}

json to_json(const msgpack::object& from) {
  switch (from.type) {
    case msgpack::type::NIL:
      return nullptr;
    case msgpack::type::BOOLEAN:
      return from.via.boolean;
    case msgpack::type::POSITIVE_INTEGER:
      return from.via.u64;
    case msgpack::type::NEGATIVE_INTEGER:
      return from.via.i64;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return number_to_json(from.via.f64);
    case msgpack::type::STR:
      return std::string{from.via.str.ptr, from.via.str.size};
    case msgpack::type::BIN:
      return marked("$bytes", digits_of({from.via.bin.ptr, from.via.bin.size}));
    case msgpack::type::EXT:
      return marked("$ext", json::array({int{from.via.ext.type()},
                                         digits_of({from.via.ext.data(), from.via.ext.size})}));
    case msgpack::type::ARRAY:
      return array_to_json(from.via.array);
    case msgpack::type::MAP:
      return map_to_json(from.via.map);
  }
  return nullptr;
}

class packing {
 public:
  explicit packing(std::string& to) : sink_{to}, to_{sink_} {}

  void pack(const json& from) {
    switch (from.type()) {
      case json::value_t::null:
        to_.pack_nil();
        break;
      case json::value_t::boolean:
        to_.pack(from.get<bool>());
        break;
      case json::value_t::number_unsigned:
        to_.pack(from.get<std::uint64_t>());
        break;
      case json::value_t::number_integer:
        to_.pack(from.get<std::int64_t>());
        break;
      case json::value_t::number_float:
        pack_number(from.get<double>());
        break;
      case json::value_t::string:
        to_.pack(from.get_ref<const std::string&>());
        break;
      case json::value_t::array:
        to_.pack_array(count(from));
        for (const auto& one : from) pack(one);
        break;
      case json::value_t::object:
        pack_object(from);
        break;
      default:
        not_json("an unknown kind of value");
    }
  }

 private:
  static std::uint32_t count(const json& of) { return static_cast<std::uint32_t>(of.size()); }

  void pack_object(const json& from) {
    if (from.size() == 1 && from.begin().key().starts_with('$')) {
      return pack_marked(from.begin().key(), from.begin().value());
    }
    to_.pack_map(count(from));
    for (const auto& [name, value] : from.items()) {
      if (name.starts_with('$')) not_json("a name that begins with $ among others");
      to_.pack(name);
      pack(value);
    }
  }

  void pack_marked(std::string_view name, const json& value) {
    if (name == "$bytes") {
      const auto bytes = bytes_in(value);
      to_.pack_bin(static_cast<std::uint32_t>(bytes.size()));
      to_.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    } else if (name == "$ext") {
      const auto type = value.at(0).get<int>();
      if (type < -128 || type > 127) not_json("an extension's type is a byte");
      const auto bytes = bytes_in(value.at(1));
      to_.pack_ext(bytes.size(), static_cast<std::int8_t>(type));
      to_.pack_ext_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    } else if (name == "$float") {
      pack_unusual(value.get_ref<const std::string&>());
    } else if (name == "$map") {
      to_.pack_map(count(value));
      for (const auto& pair : value) pack(pair.at(0)), pack(pair.at(1));
    } else {
      not_json("an unknown form that begins with $");
    }
  }

  // As the codec does, which keeps -0.0.
  void pack_number(double number) {
    const auto bytes = encode(number);
    sink_.write(bytes.data(), bytes.size());
  }

  void pack_unusual(std::string_view number) {
    using limits = std::numeric_limits<double>;
    if (number == "nan") return pack_number(limits::quiet_NaN());
    if (number == "inf") return pack_number(limits::infinity());
    if (number == "-inf") return pack_number(-limits::infinity());
    not_json("$float is nan, inf or -inf");
  }

  byte_sink sink_;
  msgpack::packer<byte_sink> to_;
};

json parsed(std::string_view text) {
  // Forms with $ take two levels for one.
  const auto bounded = [](int depth, json::parse_event_t, const json&) {
    if (depth > 2 * static_cast<int>(nesting_max)) not_json("it nests too deep");
    return true;
  };
  return json::parse(text, bounded);
}

}  // namespace

std::string json_of(std::string_view msgpack_bytes) {
  json made;
  auto done = with_unpacked(msgpack_bytes, &made, [](void* to, const msgpack::object& from) {
    *static_cast<json*>(to) = to_json(from);
  });
  if (!done) throw unfit{done.error().message};
  try {
    return made.dump();
  } catch (const json::exception&) {
    throw unfit{"has text that is not UTF-8"};
  }
}

std::string msgpack_of(std::string_view text) {
  try {
    std::string made;
    packing{made}.pack(parsed(text));
    return made;
  } catch (const json::exception& why) {
    not_json(why.what());
  }
}

}}}  // namespace nexus::v0::detail
