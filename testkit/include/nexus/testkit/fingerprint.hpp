// The fields of a behavior's events and state in a file, so that no change of them goes unnoticed.
//
//   TEST(Account, StoredValuesStayReadable) {
//     EXPECT_TRUE(nexus::testkit::check_fingerprint<account>(TEST_DATA "/account.fingerprint"));
//   }
//
// The file is in the user's repository; a test run with NEXUS_ACCEPT_FINGERPRINTS=1 writes it. It
// names every event type and the state, with version, fields and their kinds:
//
//   event "deposited" version 2
//     cents: int64
//     memo: optional<string>
//     lines: array<{}>
//     lines[].text: string
//
// The check fails if a field was renamed, removed, retyped, or added without being optional, until
// its type has another schema_version with an `upcast` from the one before. Such a version, a new
// type, and a field that is new and optional or became optional fail until they are accepted. The
// C++ names of types are not part of it, nor are an enum's values, which the user must keep.
//
// Types in `old_event` are listed too, old versions of a current type as `old event "deposited" 1`.
// `removed event "audited"` stands for a name in `removed_events`.
//
// The check also counts the fields of every struct and fails if MSGPACK_DEFINE_MAP names fewer. It
// cannot count the fields of a struct with constructors, private fields or a base.
//
// Threads: one. Failures: a failed assertion that names type and field.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nexus/behavior.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "nexus/testkit/detail/fingerprint_text.hpp"

namespace nexus { inline namespace v0 { namespace testkit {
namespace detail {

template <class T>
shape shape_of(std::string_view what, std::string_view name) {
  constexpr auto version = nexus::detail::schema_version_of<T>();
  shape s{.name = std::string{what} + " \"" + std::string{name} + "\"",
          .version = version,
          .fields = {},
          .reads_from = version};
  shape_reader::read<T>(s);
  const auto& steps = nexus::detail::upcast_steps<T>;
  while (s.reads_from > 1 && steps[s.reads_from - 2] != nullptr) --s.reads_from;
  return s;
}

template <class Event>
struct event_shapes;
template <class... E>
struct event_shapes<std::variant<E...>> {
  static void add(std::vector<shape>& to) {
    (to.push_back(shape_of<E>("event", E::type_name)), ...);
  }
};

// An old version of a current event has a name of its own; other old events keep theirs.
template <class Old, class... E>
shape old_shape_of(const std::variant<E...>* /*events*/) {
  auto s = shape_of<Old>("event", Old::type_name);
  if (((std::string_view{Old::type_name} == std::string_view{E::type_name}) || ...)) {
    s.reads = std::move(s.name);
    s.name = "old " + s.reads + " " + std::to_string(s.version);
  }
  return s;
}
template <class B, class... Old>
void add_old_shapes(std::vector<shape>& to, const std::variant<Old...>* /*olds*/) {
  const typename B::event* events = nullptr;
  (to.push_back(old_shape_of<Old>(events)), ...);
}

template <class B>
void add_adapted(std::vector<shape>& to) {
  if constexpr (nexus::detail::has_old_events<B>) {
    const typename B::old_event* olds = nullptr;
    add_old_shapes<B>(to, olds);
  }
  if constexpr (nexus::detail::has_removed_events<B>) {
    for (const std::string_view name : B::removed_events) {
      const auto reads = "event \"" + std::string{name} + "\"";
      to.push_back({.name = "removed " + reads, .fields = {}, .reads = reads, .removed = true});
    }
  }
}

template <class B>
print print_of() {
  print p;
  p.serializer = nexus::detail::serializer_name<B>();
  event_shapes<typename B::event>::add(p.shapes);
  add_adapted<B>(p.shapes);
  p.shapes.push_back(shape_of<state_t<B>>("state", B::entity_type));
  return p;
}

inline testing::AssertionResult accept(const std::filesystem::path& file, const print& now) {
  std::ofstream out{file, std::ios::trunc};
  out << "# What is stored, field by field; see nexus/testkit/fingerprint.hpp.\n" << to_text(now);
  out.close();
  if (!out) return testing::AssertionFailure() << file << " cannot be written";
  return testing::AssertionSuccess();
}

inline testing::AssertionResult check(const std::filesystem::path& file, const print& now) {
  for (const auto& s : now.shapes) {
    if (!s.left_out.empty()) return testing::AssertionFailure() << s.name << ": " << s.left_out[0];
  }
  const char* accepting = std::getenv("NEXUS_ACCEPT_FINGERPRINTS");
  const bool accepts = accepting != nullptr && std::string_view{accepting} == "1";
  if (!std::filesystem::exists(file)) {
    if (accepts) return accept(file, now);
    return testing::AssertionFailure()
           << file << " is not there: write it with NEXUS_ACCEPT_FINGERPRINTS=1 and commit it";
  }
  std::ifstream in{file};
  const auto before = from_text({std::istreambuf_iterator<char>{in}, {}});
  if (!before) return testing::AssertionFailure() << file << " is not a fingerprint";
  const auto found = compare(*before, now);
  auto result = testing::AssertionFailure();
  for (const auto& line : found.breaking) result << line << "\n";
  if (!found.breaking.empty()) {
    return result << "Stored data could no longer be read correctly. Give the type a new "
                     "schema_version and an upcast from the one before, then accept it with "
                     "NEXUS_ACCEPT_FINGERPRINTS=1. If nothing is stored yet, delete "
                  << file << " and do the same.";
  }
  if (found.harmless.empty()) return testing::AssertionSuccess();
  if (accepts) return accept(file, now);
  for (const auto& line : found.harmless) result << line << "\n";
  return result << "If that is meant, accept it with NEXUS_ACCEPT_FINGERPRINTS=1 and commit "
                << file;
}

}

/// The fields that `B` stores, in the form of the file.
template <event_sourced B>
[[nodiscard]] std::string fingerprint() {
  return detail::to_text(detail::print_of<B>());
}

/// Whether `B` stores what `file` says, see above.
template <event_sourced B>
[[nodiscard]] testing::AssertionResult check_fingerprint(const std::filesystem::path& file) {
  return detail::check(file, detail::print_of<B>());
}

}}}  // namespace nexus::v0::testkit
