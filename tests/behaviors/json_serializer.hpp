// A user serializer, as an example and for tests: readable JSON.
//
// It uses msgpack, which knows the fields. Bytes become an object of nlohmann's and come back as
// such, so it does not support types with binary fields or time points.
#pragma once

#include <nexus/nexus.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace nexus::test {

struct json_serializer {
  static constexpr std::string_view name = "json";

  template <class T>
  static void encode(const T& value, std::string& out) {
    out += nlohmann::json::from_msgpack(nexus::encode(value)).dump();
  }

  template <class T>
  static result<void> decode(std::string_view bytes, T& value) {
    auto read = packed(bytes);
    if (!read) return fail(read.error());
    return nexus::decode(*read, value);
  }

  static result<document> to_document(std::string_view bytes) {
    auto read = packed(bytes);
    if (!read) return fail(read.error());
    return document::parse(*read);
  }

 private:
  static result<std::string> packed(std::string_view bytes) {
    const auto json = nlohmann::json::parse(bytes, nullptr, false);
    if (json.is_discarded()) return fail(errc::corrupt, "is not JSON");
    std::string out;
    nlohmann::json::to_msgpack(json, out);
    return out;
  }
};

}
