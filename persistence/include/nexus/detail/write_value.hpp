// Writes values to msgpack. The counterpart of read_value.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>

#include "nexus/detail/exact_write.hpp"
#include "nexus/detail/msgpack.hpp"
#include "nexus/detail/shapes.hpp"
#include "nexus/detail/storable.hpp"

namespace nexus { inline namespace v0 {

/// How many maps and arrays may nest in a stored value, its own map included. Writers and readers
/// check it.
inline constexpr std::size_t nesting_max = 64;

namespace detail {

/// Throws encode_error (`too_large`).
[[noreturn]] void nested_too_deep();
/// Throws encode_error (`invalid_argument`).
[[noreturn]] void not_encodable(const char* why);

/// The depth of nested maps and arrays in `bytes`, which a user's adaptor wrote. Throws
/// encode_error unless they are exactly one msgpack value.
[[nodiscard]] std::size_t nesting_of(std::string_view bytes);

struct byte_sink {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

struct byte_counter {
  std::size_t size = 0;
  void write(const char*, std::size_t n) { size += n; }
};

/// A packer that tracks its depth. When only bytes are counted, nothing is refused: nothing is
/// stored.
template <class Sink>
class value_packer : public msgpack::packer<Sink> {
 public:
  static constexpr bool checks = std::is_same_v<Sink, byte_sink>;

  explicit value_packer(Sink& sink) : msgpack::packer<Sink>{sink}, sink_{sink} {}

  /// Called around the elements of a map or an array.
  void enter() {
    if constexpr (checks) {
      if (++levels_ > nesting_max) nested_too_deep();
    }
  }
  void leave() {
    if constexpr (checks) --levels_;
  }

  [[nodiscard]] std::size_t written() const {
    if constexpr (checks) return sink_.out.size();
    return 0;
  }

  /// Checks the bytes past `begin`, whose writer did not track the depth.
  void check_since(std::size_t begin) const {
    if constexpr (checks) {
      if (levels_ + nesting_of(std::string_view{sink_.out}.substr(begin)) > nesting_max) {
        nested_too_deep();
      }
    }
  }

  /// Checks a non-empty optional: it must not be stored as nil.
  void check_present(std::size_t begin) const {
    if constexpr (checks) {
      if (sink_.out[begin] == '\xc0') {
        not_encodable("an optional holds a value that is stored as nil, as if it were empty");
      }
    }
  }

 private:
  Sink& sink_;
  std::size_t levels_ = 0;
};

template <class Packer, class T>
void write_value(Packer& to, const T& value);

/// The packer that passes every field to `write_value`.
template <class Packer>
class field_writer {
 public:
  explicit field_writer(Packer& to) : to_{to} {}

  void pack_map(std::uint32_t size) { to_.pack_map(size); }

  template <class T>
  void pack(const T& name_or_field) {
    if constexpr (literal<T>) {
      if (is_named_) not_encodable(NEXUS_FIELD_IS_A_LITERAL);
    }
    is_named_ = !is_named_;
    write_value(to_, name_or_field);
  }

  template <class T = Packer>
  void pack_array(std::uint32_t) {
    static_assert(!std::is_same_v<T, Packer>, "name the fields with MSGPACK_DEFINE_MAP");
  }

 private:
  Packer& to_;
  bool is_named_ = false;  // the next call passes a field
};

template <class T>
struct writer {
  template <class Packer>
  static void run(Packer& to, const T& value) {
    if constexpr (!is_writable<T>()) {
      // The compiler's error names `T` and what to write.
    } else if constexpr (mapped<T>) {
      to.enter();
      field_writer<Packer> fields{to};
      value.msgpack_pack(fields);
      to.leave();
    } else if constexpr (fieldless<T>) {
      to.enter();
      to.pack_map(0);
      to.leave();
    } else if constexpr (std::is_enum_v<T> && !std::is_same_v<T, std::byte>) {
      to.pack(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      write_floating(to, value);
    } else if constexpr (is_duration<T>) {
      write_value(to, value.count());
    } else if constexpr (is_time_point<T>) {
      write_time(to, value);
    } else if constexpr (is_optional<T>) {
      value ? write_present(to, *value) : void(to.pack_nil());
    } else if constexpr (is_owner<T>) {
      value != nullptr ? write_present(to, *value) : void(to.pack_nil());
    } else if constexpr (scalar<T> || packed_whole<T>) {
      to.pack(value);
    } else {
      write_parts(to, value);
    }
  }

 private:
  template <class Packer>
  static void write_parts(Packer& to, const T& value) {
    if constexpr (is_variant<T>) {
      to.pack_array(2);
      to.enter();
      to.pack(static_cast<std::uint64_t>(value.index()));
      std::visit([&](const auto& one) { write_value(to, one); }, value);
      to.leave();
    } else if constexpr (is_tuple<T>) {
      to.pack_array(static_cast<std::uint32_t>(std::tuple_size_v<T>));
      to.enter();
      std::apply([&](const auto&... one) { (write_value(to, one), ...); }, value);
      to.leave();
    } else if constexpr (map_like<T>) {
      to.pack_map(static_cast<std::uint32_t>(value.size()));
      to.enter();
      for (const auto& [key, one] : value) {
        write_value(to, key);
        write_value(to, one);
      }
      to.leave();
    } else if constexpr (sequence<T> || is_array<T>) {
      to.pack_array(static_cast<std::uint32_t>(value.size()));
      to.enter();
      for (const auto& one : value) write_value(to, one);
      to.leave();
    } else {
      write_foreign(to, value);
    }
  }

  // Writes with a user's adaptor.
  template <class Packer>
  static void write_foreign(Packer& to, const T& value) {
    const auto begin = to.written();
    to.pack(value);
    to.check_since(begin);
  }

  template <class Packer, class U>
  static void write_present(Packer& to, const U& value) {
    const auto begin = to.written();
    write_value(to, value);
    if constexpr (foreign<U>) to.check_present(begin);
  }
};

template <class Packer, class T>
void write_value(Packer& to, const T& value) {
  writer<T>::run(to, value);
}

template <class Sink, class T>
void pack_value(Sink& sink, const T& value) {
  value_packer<Sink> packer{sink};
  write_value(packer, value);
}

}
}}  // namespace nexus::v0

// Names a struct whose macro is missing.
namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {
  template <class T>
  struct pack<T, std::enable_if_t<nexus::detail::without_macro<T>>> {
    template <class Stream>
    msgpack::packer<Stream>& operator()(msgpack::packer<Stream>& to, const T& /*value*/) const {
      (void)nexus::required::stored_fields_of<T>;
      return to;
    }
  };
  }
}
}
