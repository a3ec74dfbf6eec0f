// An entity's rows as bytes: its own row, and those that it owns in other tables.
//
// This is the value of a relational entity on its way between its actor, the writer and the
// database. The state machine takes it for a durable state.
//
// Threads: values. Bytes never leave the process, so their form may change with each release.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nexus/detail/row_cells.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct row_image {
  row_values root;
  std::vector<std::vector<row_values>> owned;  ///< by table, in the order of their declaration

  friend bool operator==(const row_image&, const row_image&) = default;
};

[[nodiscard]] std::string packed(const row_image& image);
/// `corrupt` for bytes that `packed` has not made.
[[nodiscard]] result<row_image> unpacked(std::string_view bytes);
[[nodiscard]] error no_rows();

// The same in pieces, for those who need no image: the root's row, the number of owned tables, and
// of each the number of its rows and these. A row is the number of its columns and their values.
// Inline, since every write of an entity reads and writes a dozen of them.

enum class image_kind : char { none, null, no, yes, integer, real, text, bytes };

class image_writer {
 public:
  explicit image_writer(std::string& to) : to_{to} {}

  void count(std::size_t n) { add(static_cast<std::uint64_t>(n)); }
  void none() { mark(image_kind::none); }
  void value(std::int64_t v) { fixed(image_kind::integer, v); }
  void text(std::string_view v) { block(image_kind::text, v); }
  void value(const sql_value& v) {
    if (const auto* number = std::get_if<std::int64_t>(&v)) {
      value(*number);
    } else if (const auto* text = std::get_if<std::string>(&v)) {
      this->text(*text);
    } else if (const auto* blob = std::get_if<sql_bytes>(&v)) {
      block(image_kind::bytes, blob->data);
    } else if (const auto* point = std::get_if<double>(&v)) {
      fixed(image_kind::real, *point);
    } else if (const auto* flag = std::get_if<bool>(&v)) {
      mark(*flag ? image_kind::yes : image_kind::no);
    } else {
      mark(image_kind::null);
    }
  }
  [[nodiscard]] std::size_t size() const noexcept { return to_.size(); }
  /// What was added since it had this size.
  [[nodiscard]] std::string_view from(std::size_t size) const noexcept {
    return std::string_view{to_}.substr(size);
  }
  /// As `image_reader::skip` has read it.
  void raw(std::string_view value) { to_ += value; }
  void row(row_view values) {
    count(values.size());
    for (const auto& one : values) one ? value(*one) : none();
  }

 private:
  void mark(image_kind of) { to_ += static_cast<char>(of); }
  template <class T>
  void add(T v) {
    to_.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  template <class T>
  void fixed(image_kind of, T v) {
    char all[1 + sizeof v];
    all[0] = static_cast<char>(of);
    std::memcpy(all + 1, &v, sizeof v);
    to_.append(all, sizeof all);
  }
  void block(image_kind of, std::string_view data) {
    fixed(of, static_cast<std::uint64_t>(data.size()));
    to_ += data;
  }

  std::string& to_;
};

struct malformed_image {};

/// Throws `malformed_image`.
class image_reader {
 public:
  explicit image_reader(std::string_view from) : from_{from} {}

  // Each item takes a byte at least.
  [[nodiscard]] std::size_t count() {
    const auto n = fixed<std::uint64_t>();
    if (n > from_.size()) throw malformed_image{};
    return static_cast<std::size_t>(n);
  }

  /// Whether there is a value, which replaces that of `to`.
  bool value(sql_value& to) {
    switch (kind()) {
      case image_kind::none:
        return false;
      case image_kind::null:
        to.emplace<std::monostate>();
        return true;
      case image_kind::no:
        to.emplace<bool>(false);
        return true;
      case image_kind::yes:
        to.emplace<bool>(true);
        return true;
      case image_kind::integer:
        to.emplace<std::int64_t>(fixed<std::int64_t>());
        return true;
      case image_kind::real:
        to.emplace<double>(fixed<double>());
        return true;
      case image_kind::text:
        to.emplace<std::string>(take(count()));
        return true;
      case image_kind::bytes:
        to = sql_bytes{std::string{take(count())}};
        return true;
    }
    throw malformed_image{};
  }

  /// The next value, or that there is none, as bytes: the same for the same value.
  std::string_view skip() {
    const auto* const begin = from_.data();
    switch (kind()) {
      case image_kind::none:
      case image_kind::null:
      case image_kind::no:
      case image_kind::yes:
        break;
      case image_kind::integer:
      case image_kind::real:
        take(sizeof(std::int64_t));
        break;
      case image_kind::text:
      case image_kind::bytes:
        take(count());
        break;
      default:
        throw malformed_image{};
    }
    return {begin, static_cast<std::size_t>(from_.data() - begin)};
  }

  [[nodiscard]] row_values row();
  [[nodiscard]] std::string_view rest() const noexcept { return from_; }

 private:
  std::string_view take(std::size_t size) {
    if (size > from_.size()) throw malformed_image{};
    const std::string_view made{from_.data(), size};
    from_.remove_prefix(size);
    return made;
  }
  image_kind kind() { return static_cast<image_kind>(take(1).front()); }
  template <class T>
  T fixed() {
    T made;
    std::memcpy(&made, take(sizeof made).data(), sizeof made);
    return made;
  }

  std::string_view from_;
};

}}}  // namespace nexus::v0::detail
