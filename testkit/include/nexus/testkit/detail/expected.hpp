// What a scenario expects of an effect, and values as text.
//
// Threads: values.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "nexus/behavior.hpp"
#include "nexus/detail/model_of.hpp"
#include "nexus/effect_options.hpp"
#include "nexus/testkit/detail/difference.hpp"
#include "nexus/testkit/detail/shown.hpp"

namespace nexus { inline namespace v0 { namespace testkit { namespace detail {

using namespace nexus::detail;

/// A value as text, field by field.
template <class B, class T>
std::string shown(const T& value) {
  return shown(value);
}

/// The effect as the runtime takes it: a refusal, if the runtime would not store its records.
template <class B, class R>
effect<B, R> storable(effect<B, R> e, const call_header& header, const context& c,
                      const decision_limits& limits) {
  if (e.rejected() || e.stashes()) return e;
  const typename model_of<B>::type model;
  event_batch out;
  if (auto written = model.write(e, header, c, limits, out); !written) {
    return detail::refusal{std::move(written.error())};
  }
  return e;
}

/// A value after being stored and read.
template <class B, class T>
T stored_and_read(const T& value, const char* file, int line) {
  std::string bytes;
  T read{};
  if (auto done = encode_with<B>(value, bytes); !done) {
    ADD_FAILURE_AT(file, line) << "does not encode: " << done.error().message;
  } else if (done = decode_stored<B>(schema_version_of<T>(), serializer_name<B>(), bytes, read);
             !done) {
    ADD_FAILURE_AT(file, line) << "does not decode: " << done.error().message;
  } else if (const auto where = difference(value, read)) {
    ADD_FAILURE_AT(file, line) << "differs after it was stored and read: " << shown<B>(value)
                               << " became " << shown<B>(read) << detail::at(*where);
  }
  return read;
}

template <class V>
struct replying {
  V value;
};
struct rejecting {
  std::string why;
};
template <class Other, class C>
struct asking_for {
  std::string id;
  C command;
  ask_options how;
};
template <class C>
struct setting_timer {
  std::string key;
  std::chrono::nanoseconds delay;
  C command;
  timer_options how;
  bool when_idle;
};
struct cancelling_timer {
  std::string key;
};

/// A duration as text.
inline std::string shown_span(std::chrono::nanoseconds d) {
  if (d == std::chrono::nanoseconds::max()) return "for ever";
  std::ostringstream out;
  out << std::chrono::duration<double, std::milli>{d}.count() << " ms";
  return out.str();
}
template <class Other>
struct watching_for {
  std::string id;
};
template <class Actor>
struct watching_actor {
  Actor who;
};
struct being_unhandled {};
struct doing {
  bool effect_flags::*flag;
  const char* name;
};

}}}}  // namespace nexus::v0::testkit
