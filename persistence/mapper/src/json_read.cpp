// msgpack of JSON; the forms are those of json_write.cpp.
#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "nexus/codec.hpp"
#include "nexus/detail/column_value.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

[[noreturn]] void broken(std::string_view why) { throw unfit{fmt::format("is not JSON: {}", why)}; }

void append_utf8(std::string& to, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { to += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) return put(0xc0 | (code >> 6)), put(0x80 | (code & 0x3f));
  if (code < 0x10000) {
    return put(0xe0 | (code >> 12)), put(0x80 | ((code >> 6) & 0x3f)), put(0x80 | (code & 0x3f));
  }
  put(0xf0 | (code >> 18));
  put(0x80 | ((code >> 12) & 0x3f));
  put(0x80 | ((code >> 6) & 0x3f));
  put(0x80 | (code & 0x3f));
}

// Each part of an array or a map is packed by itself: their number comes before them.
class json_reader {
 public:
  explicit json_reader(std::string_view text) : rest_{text} {}

  std::string whole() {
    auto made = value();
    skip_blanks();
    if (!rest_.empty()) broken("text behind the value");
    return made;
  }

 private:
  template <class F>
  static std::string packed(F&& f) {
    std::string bytes;
    byte_sink sink{bytes};
    msgpack::packer<byte_sink> to{sink};
    f(to);
    return bytes;
  }

  void skip_blanks() {
    while (!rest_.empty() && std::string_view{" \t\r\n"}.find(rest_[0]) != std::string_view::npos) {
      rest_.remove_prefix(1);
    }
  }
  bool take(std::string_view text) {
    skip_blanks();
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void expect(std::string_view text) {
    if (!take(text)) broken(fmt::format("{} is missing", text));
  }

  std::string value() {
    if (++depth_ > 2 * nesting_max) broken("it nests too deep");
    auto made = value_within();
    --depth_;
    return made;
  }

  std::string value_within() {
    if (take("null")) return packed([](auto& to) { to.pack_nil(); });
    if (take("true")) return packed([](auto& to) { to.pack_true(); });
    if (take("false")) return packed([](auto& to) { to.pack_false(); });
    if (take("[")) return list();
    if (take("{")) return object();
    if (take("\"")) {
      const auto read = text();
      return packed([&](auto& to) { to.pack(read); });
    }
    return number();
  }

  std::string number() {
    const auto length = std::min(rest_.find_first_not_of("+-0123456789.eE"), rest_.size());
    const auto digits = rest_.substr(0, length);
    if (digits.empty()) broken("a value is missing");
    rest_.remove_prefix(length);
    if (const auto whole = all_of<std::int64_t>(digits))
      return packed([&](auto& to) { to.pack(*whole); });
    if (const auto large = all_of<std::uint64_t>(digits))
      return packed([&](auto& to) { to.pack(*large); });
    if (const auto real = all_of<double>(digits)) return encode(*real);  // -0.0 too
    broken("a number is invalid");
  }

  template <class Number>
  static std::optional<Number> all_of(std::string_view digits) {
    Number made{};
    const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), made);
    if (bad != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return made;
  }

  std::uint32_t four_digits() {
    std::uint32_t code = 0;
    const auto digits = rest_.substr(0, 4);
    const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (bad != std::errc{} || end != rest_.data() + 4) broken("\\u without four digits");
    rest_.remove_prefix(4);
    return code;
  }

  void escaped(std::string& to) {
    static constexpr std::string_view letters = "bfnrt\"\\/", meant = "\b\f\n\r\t\"\\/";
    if (rest_.empty()) broken("a text without an end");
    const char c = rest_[0];
    rest_.remove_prefix(1);
    if (const auto at = letters.find(c); at != std::string_view::npos) {
      to += meant[at];
      return;
    }
    if (c != 'u') broken("an unknown escape");
    auto code = four_digits();
    if (code >= 0xd800 && code < 0xdc00 && rest_.starts_with("\\u")) {
      rest_.remove_prefix(2);
      code = 0x10000 + ((code - 0xd800) << 10) + (four_digits() - 0xdc00);
    }
    append_utf8(to, code);
  }

  // Behind its first quote.
  std::string text() {
    std::string made;
    for (;;) {
      const auto plain = std::min(rest_.find_first_of("\"\\"), rest_.size());
      made += rest_.substr(0, plain);
      rest_.remove_prefix(plain);
      if (rest_.empty()) broken("a text without an end");
      const bool ends = rest_[0] == '"';
      rest_.remove_prefix(1);
      if (ends) return made;
      escaped(made);
    }
  }

  static std::string counted(std::uint32_t count, bool is_map, const std::string& parts) {
    return packed([&](auto& to) { is_map ? to.pack_map(count) : to.pack_array(count); }) + parts;
  }

  // Behind its bracket.
  std::string list() {
    std::string parts;
    std::uint32_t count = 0;
    while (!take("]")) {
      if (count++ > 0) expect(",");
      parts += value();
    }
    return counted(count, false, parts);
  }

  std::string object() {
    std::string parts;
    std::uint32_t count = 0;
    while (!take("}")) {
      if (count > 0) expect(",");
      expect("\"");
      const auto name = text();
      expect(":");
      if (count == 0 && name.starts_with('$')) return special(name);
      ++count;
      parts += packed([&](auto& to) { to.pack(name); });
      parts += value();
    }
    return counted(count, true, parts);
  }

  std::string quoted() {
    expect("\"");
    return text();
  }

  std::string bytes() {
    const auto digits = quoted();
    if (digits.size() % 2 != 0) broken("an odd number of digits of bytes");
    std::string made;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      unsigned byte = 0;
      const auto* at = digits.data() + i;
      if (std::from_chars(at, at + 2, byte, 16).ptr != at + 2) broken("bytes have other digits");
      made += static_cast<char>(byte);
    }
    return made;
  }

  // Behind the colon of its name.
  std::string special(std::string_view name) {
    std::string made;
    if (name == "$bytes") {
      const auto read = bytes();
      made = packed([&](auto& to) {
        to.pack_bin(static_cast<std::uint32_t>(read.size()));
        to.pack_bin_body(read.data(), static_cast<std::uint32_t>(read.size()));
      });
    } else if (name == "$ext") {
      made = extension();
    } else if (name == "$float") {
      const auto real = all_of<double>(quoted());
      if (!real) broken("a number is invalid");
      made = encode(*real);
    } else if (name == "$map") {
      made = pairs();
    } else {
      broken("an unknown form that begins with $");
    }
    expect("}");
    return made;
  }

  std::string extension() {
    expect("[");
    skip_blanks();
    const auto length = std::min(rest_.find_first_not_of("-0123456789"), rest_.size());
    const auto type = all_of<std::int8_t>(rest_.substr(0, length));
    if (!type) broken("an extension without a type");
    rest_.remove_prefix(length);
    expect(",");
    const auto read = bytes();
    expect("]");
    return packed([&](auto& to) {
      to.pack_ext(read.size(), *type);
      to.pack_ext_body(read.data(), static_cast<std::uint32_t>(read.size()));
    });
  }

  std::string pairs() {
    std::string parts;
    std::uint32_t count = 0;
    expect("[");
    while (!take("]")) {
      if (count++ > 0) expect(",");
      expect("[");
      parts += value();
      expect(",");
      parts += value();
      expect("]");
    }
    return counted(count, true, parts);
  }

  std::string_view rest_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string msgpack_of(std::string_view json) { return json_reader{json}.whole(); }

}}}  // namespace nexus::v0::detail
