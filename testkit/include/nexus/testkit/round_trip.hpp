// Checks that every event type and the state of a behavior are read back as stored, many times.
//
//   EXPECT_TRUE(nexus::testkit::check_round_trip<account>(seed));
//
// Finds user serializers and adaptors that lose something. Values are compared field by field and
// to the bit, and by operator== where a type has one. Comparing bytes would not help: a value that
// loses something when written is written the same way again. A field that is missing in
// MSGPACK_DEFINE_MAP is found by counting, as in check_fingerprint, else by operator==.
//
// Threads: one. Failures: a failed assertion that names the value and the difference.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <nexus/behavior.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "nexus/testkit/builders.hpp"
#include "nexus/testkit/detail/difference.hpp"
#include "nexus/testkit/detail/shape.hpp"

namespace nexus { inline namespace v0 { namespace testkit {
namespace detail {

/// Why `value` does not come back by the serializer of `B`; empty if it does.
template <class B, class T>
std::string lost(const T& value) {
  std::string bytes;
  if (auto done = nexus::detail::encode_with<B>(value, bytes); !done) return done.error().message;
  T after{};
  if (auto done = nexus::detail::decode_stored<B>(
          nexus::detail::schema_version_of<T>(), nexus::detail::serializer_name<B>(), bytes, after);
      !done) {
    return done.error().message;
  }
  const auto found = difference(value, after);
  return found ? "comes back as another value" + at(*found) : "";
}

template <class B, class T>
testing::AssertionResult round_trips(std::string_view name, std::uint64_t seed, std::size_t count) {
  shape stored;
  shape_reader::read<T>(stored);
  if (!stored.left_out.empty()) {
    return testing::AssertionFailure() << name << ": " << stored.left_out[0];
  }
  builder<T> values{seed};
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto why = lost<B>(values.make()); !why.empty()) {
      return testing::AssertionFailure()
             << name << " number " << i << " of seed " << seed << " " << why;
    }
  }
  return testing::AssertionSuccess();
}

template <class B, class... E>
testing::AssertionResult events_round_trip(const std::variant<E...>* /*type*/, std::uint64_t seed,
                                           std::size_t count) {
  auto result = testing::AssertionSuccess();
  (void)((result = round_trips<B, E>(E::type_name, seed, count)) && ...);
  return result;
}

}

/// Builds `count` of each event type and of the state of `B`, stores them and reads them.
template <event_sourced B>
[[nodiscard]] testing::AssertionResult check_round_trip(std::uint64_t seed,
                                                        std::size_t count = 1'000) {
  const typename B::event* events = nullptr;
  auto result = detail::events_round_trip<B>(events, seed, count);
  if (!result) return result;
  return detail::round_trips<B, state_t<B>>("the state", seed, count);
}

}}}  // namespace nexus::v0::testkit
