// JSON of msgpack values.
//
// What JSON has no form for is an object with one name that begins with $:
//   {"$bytes": "6869"}          bytes, as hexadecimal digits
//   {"$ext": [-1, "6869"]}      an extension, e.g. a time
//   {"$map": [[1, "a"]]}        a map whose keys are not texts, or are one that begins with $
//   {"$float": "nan"}           nan, inf, -inf
#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "nexus/codec.hpp"
#include "nexus/detail/column_value.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

class json_writer {
 public:
  void write(const msgpack::object& value) {
    switch (value.type) {
      case msgpack::type::NIL:
        out += "null";
        break;
      case msgpack::type::BOOLEAN:
        out += value.via.boolean ? "true" : "false";
        break;
      case msgpack::type::POSITIVE_INTEGER:
        put("{}", value.via.u64);
        break;
      case msgpack::type::NEGATIVE_INTEGER:
        put("{}", value.via.i64);
        break;
      case msgpack::type::FLOAT32:
      case msgpack::type::FLOAT64:
        number(value.via.f64);
        break;
      case msgpack::type::STR:
        text({value.via.str.ptr, value.via.str.size});
        break;
      case msgpack::type::BIN:
        out += "{\"$bytes\":";
        hex({value.via.bin.ptr, value.via.bin.size});
        out += '}';
        break;
      case msgpack::type::EXT:
        put("{{\"$ext\":[{},", static_cast<int>(value.via.ext.type()));
        hex({value.via.ext.data(), value.via.ext.size});
        out += "]}";
        break;
      case msgpack::type::ARRAY:
        array(value.via.array);
        break;
      case msgpack::type::MAP:
        map(value.via.map);
        break;
    }
  }

  std::string out;

 private:
  template <class... A>
  void put(fmt::format_string<A...> form, A&&... with) {
    fmt::format_to(std::back_inserter(out), form, std::forward<A>(with)...);
  }

  void number(double value) {
    if (!std::isfinite(value)) return put("{{\"$float\":\"{}\"}}", value);
    auto digits = fmt::format("{}", value);
    if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
    out += digits;
  }

  void text(std::string_view value) {
    out += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        put("\\u{:04x}", static_cast<unsigned>(c));
      } else {
        out += c;
      }
    }
    out += '"';
  }

  void hex(std::string_view bytes) {
    out += '"';
    for (const char c : bytes) put("{:02x}", static_cast<unsigned char>(c));
    out += '"';
  }

  void array(const msgpack::object_array& of) {
    out += '[';
    for (std::uint32_t i = 0; i < of.size; ++i) {
      if (i > 0) out += ',';
      write(of.ptr[i]);
    }
    out += ']';
  }

  static bool is_plain(const msgpack::object_map& of) {
    for (std::uint32_t i = 0; i < of.size; ++i) {
      const auto& key = of.ptr[i].key;
      if (key.type != msgpack::type::STR) return false;
      if (key.via.str.size > 0 && key.via.str.ptr[0] == '$') return false;
    }
    return true;
  }

  void map(const msgpack::object_map& of) {
    const bool plain = is_plain(of);
    out += plain ? "{" : "{\"$map\":[";
    for (std::uint32_t i = 0; i < of.size; ++i) {
      if (i > 0) out += ',';
      if (!plain) out += '[';
      write(of.ptr[i].key);
      out += plain ? ':' : ',';
      write(of.ptr[i].val);
      if (!plain) out += ']';
    }
    out += plain ? "}" : "]}";
  }
};

}  // namespace

std::string json_of(std::string_view msgpack_bytes) {
  json_writer to;
  auto done = with_unpacked(msgpack_bytes, &to, [](void* writer, const msgpack::object& from) {
    static_cast<json_writer*>(writer)->write(from);
  });
  if (!done) throw unfit{done.error().message};
  return std::move(to.out);
}

}}}  // namespace nexus::v0::detail
