// The fields of stored types as text: names and kinds; nested fields by their path.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <nexus/codec.hpp>
#include <nexus/detail/type_name.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/testkit/detail/field_count.hpp"

namespace nexus { inline namespace v0 { namespace testkit::detail {

namespace shapes = nexus::detail;

struct field {
  std::string path;  ///< "lines[].cents": the field cents of the elements of the field lines
  std::string kind;  ///< "int64", "optional<string>", "map<string, {}>"
  friend bool operator==(const field&, const field&) = default;
};

/// An event type or the state.
struct shape {
  std::string name;  ///< "event \"deposited\""
  std::uint32_t version = 1;
  std::vector<field> fields;
  std::uint32_t reads_from = 1;         ///< the oldest version that upcasters lift to this one
  std::vector<std::string> left_out{};  ///< types with fields that MSGPACK_DEFINE_MAP does not name
  std::string reads{};                  ///< the name of the rows that it reads; empty: its own name
  bool removed = false;                 ///< it reads them as nothing
};

/// Collects the fields of types, each type once along a path.
class shape_reader {
 public:
  template <class T>
  static void read(shape& into) {
    shape_reader reader;
    (void)reader.kind_of<T>("");
    into.fields = std::move(reader.fields_);
    into.left_out = std::move(reader.left_out_);
  }

 private:
  // A packer that lists: the generated msgpack_pack passes it names and fields in turn.
  class lister {
   public:
    lister(shape_reader& to, std::string prefix) : to_{to}, prefix_{std::move(prefix)} {}

    void pack_map(std::uint32_t size) { count_ = size; }

    template <class T>
    void pack(const T& field) {
      if (named_) {
        named_ = false;
        to_.add<T>(path_);
      } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        path_ = prefix_.empty() ? field : prefix_ + "." + field;
        names_.append(names_.empty() ? "" : ", ").append(field);
        named_ = true;
      }
    }

    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] const std::string& names() const { return names_; }

   private:
    shape_reader& to_;
    std::string prefix_;
    std::string path_;
    std::string names_;
    std::size_t count_ = 0;
    bool named_ = false;
  };

  template <class T>
  void add(const std::string& path) {
    const auto place = fields_.size();
    fields_.push_back({path, {}});
    auto kind = kind_of<T>(path);  // nested fields come after it
    fields_[place].kind = std::move(kind);
  }

  template <class T>
  std::string kind_of(const std::string& path) {
    if constexpr (shapes::mapped<T>) {
      return mapped_kind<T>(path);
    } else if constexpr (shapes::fieldless<T>) {
      return "{}";
    } else if constexpr (std::is_same_v<T, std::byte>) {
      return "uint8";
    } else if constexpr (std::is_enum_v<T>) {
      return "enum<" + number_kind<std::underlying_type_t<T>>() + ">";
    } else if constexpr (std::is_arithmetic_v<T>) {
      return number_kind<T>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      return "string";
    } else if constexpr (shapes::is_optional<T>) {
      return "optional<" + kind_of<typename T::value_type>(path) + ">";
    } else if constexpr (shapes::is_duration<T>) {
      return "duration<" + number_kind<typename T::rep>() + ", " + std::to_string(T::period::num) +
             "/" + std::to_string(T::period::den) + ">";
    } else if constexpr (shapes::is_time_point<T>) {
      return "time";
    } else {
      return container_kind<T>(path);
    }
  }

  template <class T>
  std::string container_kind(const std::string& path) {
    if constexpr (shapes::is_variant<T>) {
      return "variant<" + each_of(static_cast<T*>(nullptr), path, "|") + ">";
    } else if constexpr (shapes::is_tuple<T>) {
      return "tuple<" + each_of(static_cast<T*>(nullptr), path, "#") + ">";
    } else if constexpr (shapes::map_like<T>) {
      return "map<" + kind_of<typename T::key_type>(path + "{key}") + ", " +
             kind_of<typename T::mapped_type>(path + "{}") + ">";
    } else if constexpr (shapes::is_array<T> || shapes::sequence<T>) {
      const auto size =
          shapes::is_array<T> ? ", " + std::to_string(fixed_size<T>()) : std::string{};
      using element = typename T::value_type;
      if constexpr (shapes::byte_element<element> && requires(T& t) { t.data(); }) {
        return "bytes" + (size.empty() ? size : "<" + size.substr(2) + ">");
      } else {
        return "array<" + kind_of<element>(path + "[]") + size + ">";
      }
    } else {
      return "opaque";  // read and written by the user's adaptor
    }
  }

  template <class T>
  std::string mapped_kind(const std::string& path) {
    static char tag = 0;
    if (std::find(open_.begin(), open_.end(), &tag) != open_.end()) return "{again}";
    open_.push_back(&tag);
    lister fields{*this, path};
    T{}.msgpack_pack(fields);
    open_.pop_back();
    if (const auto all = field_count<T>(); all > fields.count()) {
      left_out_.push_back(std::string{nexus::detail::full_type_name<T>()}
                              .append(" has ")
                              .append(std::to_string(*all))
                              .append(" fields, but its MSGPACK_DEFINE_MAP names ")
                              .append(std::to_string(fields.count()))
                              .append(": ")
                              .append(fields.names())
                              .append(". The others are not stored: name them, too"));
    }
    return "{}";
  }

  template <template <class...> class C, class... T>
  std::string each_of(const C<T...>* /*type*/, const std::string& path, const char* mark) {
    std::string all;
    std::size_t index = 0;
    ((all += (index == 0 ? "" : ", ") + kind_of<T>(path + mark + std::to_string(index)), ++index),
     ...);
    return all;
  }

  template <class T>
  static constexpr std::size_t fixed_size() {
    if constexpr (shapes::is_array<T>) {
      return std::tuple_size_v<T>;
    } else {
      return 0;
    }
  }

  template <class T>
  static std::string number_kind() {
    if constexpr (std::is_same_v<T, bool>) {
      return "bool";
    } else if constexpr (std::is_same_v<T, char>) {
      return "char";
    } else {
      const char* kind =
          std::is_floating_point_v<T> ? "float" : (std::is_signed_v<T> ? "int" : "uint");
      return kind + std::to_string(8 * sizeof(T));
    }
  }

  std::vector<field> fields_;
  std::vector<std::string> left_out_;
  std::vector<const char*> open_;  // the types whose fields are being listed
};

}}}
