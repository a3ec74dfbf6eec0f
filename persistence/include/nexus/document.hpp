// A stored value without a C++ type: a msgpack map that an upcaster turns into the next version.
//
//   struct deposited {
//     static constexpr std::string_view type_name = "deposited";
//     static constexpr std::uint32_t schema_version = 3;
//     std::int64_t cents = 0;
//     std::string currency;
//     MSGPACK_DEFINE_MAP(cents, currency)
//
//     static void upcast(nexus::from_version<1>, nexus::document& d) {
//       d.rename("amount", "cents");
//     }
//     static void upcast(nexus::from_version<2>, nexus::document& d) { d.set("currency", "EUR"); }
//   };
//
// An upcaster may also return `nexus::result<void>`, or throw: both make the row `corrupt`, and the
// error names the step. A field that an upcaster forgets is found by the strict reading afterwards.
//
// Threads: a value, on one thread at a time. Errors are `corrupt` and name the field.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/codec.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

/// The version from which an `upcast` starts; it ends at the next version.
template <std::uint32_t N>
struct from_version {
  static constexpr std::uint32_t value = N;
};

/// Fields by name, in their stored order. Owns its memory. Movable; copied only by `get<document>`.
class document {
 public:
  document();  ///< without fields
  document(document&&) noexcept;
  document& operator=(document&&) noexcept;
  ~document();

  /// Reads a msgpack map whose keys are strings, with the bounds of `decode`.
  [[nodiscard]] static result<document> parse(std::string_view bytes);

  /// Appends the map as msgpack to `out`.
  void write(std::string& out) const;
  [[nodiscard]] std::string bytes() const;

  [[nodiscard]] bool has(std::string_view name) const noexcept;
  [[nodiscard]] std::vector<std::string> names() const;

  /// Reads a field as strictly as `decode`. A T may be a mapped type, a std::optional (empty if the
  /// field is missing) or a container; `document` or a container of documents is a copy.
  template <class T>
  [[nodiscard]] result<T> get(std::string_view name) const {
    T value{};
    if (!has(name)) {
      if constexpr (detail::is_optional<T>) return value;
    }
    const auto stored = raw(name);
    if (!stored) return fail(stored.error());
    if (auto read = decode(*stored, value); !read) return fail(named(name, read.error()));
    return value;
  }

  /// Writes a field; a new field goes to the end. Throws encode_error, as `encode` does.
  template <class T>
  void set(std::string_view name, const T& value) {
    set_raw(name, encode(value));
  }

  /// The map in a field. Changes to it change this document.
  [[nodiscard]] result<document> at(std::string_view name);

  /// Renames a field, which keeps its place. False if there is no field `from`. Throws
  /// std::invalid_argument if another field is named `to`, since its value would be lost; an
  /// upcaster that throws makes its row `corrupt`.
  bool rename(std::string_view from, std::string_view to);

  /// False if there was no such field.
  bool erase(std::string_view name);

 private:
  friend struct detail::assigner<document>;
  friend struct detail::writer<document>;
  struct map;
  struct field;

  explicit document(std::shared_ptr<map> m);
  [[nodiscard]] result<std::string> raw(std::string_view name) const;
  void set_raw(std::string_view name, std::string bytes);
  [[nodiscard]] static error named(std::string_view name, const error& why);

  void read(const msgpack::object& from);
  std::shared_ptr<map> map_;
};

namespace detail {

template <>
struct assigner<document> {
  static void run(document& value, const msgpack::object& from) { value.read(from); }
};

template <>
struct writer<document> {
  template <class Packer>
  static void run(Packer& to, const document& value) {
    // A body without a head of its own: the packer passes these bytes on unchanged.
    const auto bytes = value.bytes();
    const auto begin = to.written();
    to.pack_str_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    to.check_since(begin);
  }
};

}

}}  // namespace nexus::v0
