#include "nexus/detail/row_image.hpp"

#include <cstdint>
#include <cstring>
#include <utility>
#include <variant>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

enum kind : char { none, null, no, yes, integer, real, text, bytes };

class image_writer {
 public:
  explicit image_writer(std::string& to) : to_{to} {}

  void row(const row_values& values) {
    count(values.size());
    for (const auto& value : values) {
      if (value) {
        std::visit(*this, *value);
      } else {
        mark(none);
      }
    }
  }
  void count(std::size_t n) {
    const auto fixed = static_cast<std::uint64_t>(n);
    raw(&fixed, sizeof fixed);
  }

  void operator()(std::monostate) { mark(null); }
  void operator()(bool v) { mark(v ? yes : no); }
  void operator()(std::int64_t v) {
    mark(integer);
    raw(&v, sizeof v);
  }
  void operator()(double v) {
    mark(real);
    raw(&v, sizeof v);
  }
  void operator()(const std::string& v) { block(text, v); }
  void operator()(const sql_bytes& v) { block(bytes, v.data); }

 private:
  void mark(kind of) { to_.push_back(static_cast<char>(of)); }
  void block(kind of, std::string_view data) {
    mark(of);
    count(data.size());
    to_ += data;
  }
  void raw(const void* from, std::size_t size) { to_.append(static_cast<const char*>(from), size); }

  std::string& to_;
};

struct malformed {};

class image_reader {
 public:
  explicit image_reader(std::string_view from) : from_{from} {}

  [[nodiscard]] row_values row() {
    row_values made(count());
    for (auto& value : made) read(value);
    return made;
  }
  // Each item takes a byte at least.
  [[nodiscard]] std::size_t count() {
    const auto n = raw<std::uint64_t>();
    if (n > from_.size()) throw malformed{};
    return static_cast<std::size_t>(n);
  }
  [[nodiscard]] bool at_end() const noexcept { return from_.empty(); }

 private:
  template <class T>
  T raw() {
    T made;
    std::memcpy(&made, take(sizeof made).data(), sizeof made);
    return made;
  }
  std::string_view take(std::size_t size) {
    if (size > from_.size()) throw malformed{};
    const auto made = from_.substr(0, size);
    from_.remove_prefix(size);
    return made;
  }
  void read(std::optional<sql_value>& to) {
    switch (static_cast<kind>(take(1).front())) {
      case none:
        return;
      case null:
        to.emplace();
        return;
      case no:
        to.emplace(false);
        return;
      case yes:
        to.emplace(true);
        return;
      case integer:
        to.emplace(raw<std::int64_t>());
        return;
      case real:
        to.emplace(raw<double>());
        return;
      case text:
        to.emplace(std::string{take(count())});
        return;
      case bytes:
        to.emplace(sql_bytes{std::string{take(count())}});
        return;
    }
    throw malformed{};
  }

  std::string_view from_;
};

}  // namespace

std::string packed(const row_image& image) {
  std::string made;
  image_writer to{made};
  to.row(image.root);
  to.count(image.owned.size());
  for (const auto& rows : image.owned) {
    to.count(rows.size());
    for (const auto& row : rows) to.row(row);
  }
  return made;
}

result<row_image> unpacked(std::string_view bytes) {
  try {
    image_reader from{bytes};
    row_image made;
    made.root = from.row();
    made.owned.resize(from.count());
    for (auto& rows : made.owned) {
      rows.resize(from.count());
      for (auto& row : rows) row = from.row();
    }
    if (!from.at_end()) throw malformed{};
    return made;
  } catch (const malformed&) {
    return fail(errc::corrupt, "these bytes are no rows");
  }
}

}}}  // namespace nexus::v0::detail
