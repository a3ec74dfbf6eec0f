// Stored values as text, for the failures of tests.
#pragma once

#include <msgpack/unpack.hpp>
#include <sstream>
#include <string>

#include "nexus/codec.hpp"
#include "nexus/testkit/detail/difference.hpp"

namespace nexus { inline namespace v0 { namespace testkit::detail {

/// A value as text, field by field.
template <class T>
std::string shown(const T& value) {
  std::string bytes;
  try {
    v0::encode(value, bytes);
  } catch (const encode_error& e) {
    return std::string{"(what "} + e.what() + ")";
  }
  auto unpacked = msgpack::unpack(bytes.data(), bytes.size());
  std::ostringstream out;
  out << unpacked.get();
  return out.str();
}

}}}
