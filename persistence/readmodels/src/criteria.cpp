#include "nexus/criteria.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "nexus/detail/model_fields.hpp"
#include "nexus/detail/utf8.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

constexpr double past_int64 = 9'223'372'036'854'775'808.0;    // 2^63
constexpr double past_uint64 = 18'446'744'073'709'551'616.0;  // 2^64

// FNV-1a.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037u;
  for (const unsigned char byte : text) hash = (hash ^ byte) * 1'099'511'628'211u;
  return hash;
}

std::string_view name_of(field_kind kind) {
  switch (kind) {
    case field_kind::flag:
      return "true or false";
    case field_kind::number:
      return "a number";
    case field_kind::text:
      return "a text";
    case field_kind::other:
      break;
  }
  return "a value of another kind";
}

field_kind kind_of(const field_value& value) {
  const auto& v = value.get();
  if (std::holds_alternative<bool>(v)) return field_kind::flag;
  if (std::holds_alternative<std::string>(v)) return field_kind::text;
  return std::holds_alternative<field_value::ids>(v) ? field_kind::other : field_kind::number;
}

std::string fault_of(std::span<const field_description> fields, const criterion& wanted) {
  const auto found = std::ranges::find(fields, wanted.field, &field_description::name);
  if (found == fields.end()) return "is unknown";
  if (found->kind == field_kind::other) return "cannot be compared";
  if (std::holds_alternative<field_value::ids>(wanted.value.get())) {
    return "is compared with a list: only the field id can be";
  }
  if (found->kind == kind_of(wanted.value)) return {};
  return fmt::format("is {}, and is compared with {}", name_of(found->kind),
                     name_of(kind_of(wanted.value)));
}

}  // namespace

std::string comparable(bool value) { return value ? "b1" : "b0"; }
std::string comparable(std::int64_t value) { return fmt::format("i{}", value); }
std::string comparable(std::uint64_t value) { return fmt::format("i{}", value); }
std::string comparable(std::string_view text) { return fmt::format("s{}", text); }

std::optional<std::string> comparable(double value) {
  if (std::isnan(value)) return std::nullopt;
  if (std::trunc(value) == value) {
    if (-past_int64 <= value && value < past_int64) {
      return comparable(static_cast<std::int64_t>(value));
    }
    if (0 <= value && value < past_uint64) return comparable(static_cast<std::uint64_t>(value));
  }
  return fmt::format("d{:016x}", std::bit_cast<std::uint64_t>(value));
}

std::optional<std::string> comparable(const field_value& value) {
  return std::visit(
      []<class T>(const T& v) -> std::optional<std::string> {
        if constexpr (std::is_same_v<T, field_value::ids>) {
          return std::nullopt;
        } else if constexpr (std::is_same_v<T, std::string>) {
          return comparable(std::string_view{v});
        } else {
          return comparable(v);
        }
      },
      value.get());
}

std::string indexable(std::string text) {
  if (text.size() <= document_limits::value_bytes_max && text.find('\0') == std::string::npos &&
      valid_utf8(text)) {
    return text;
  }
  return fmt::format("h{:016x}", hash_of(text));
}

result<void> check_criteria(std::string_view model, std::span<const field_description> fields,
                            const criteria& wanted) {
  for (const auto& one : wanted) {
    if (const auto why = fault_of(fields, one); !why.empty()) {
      return fail(errc::invalid_argument,
                  fmt::format("field \"{}\" of {} {}", one.field, model, why));
    }
  }
  return {};
}

}}}  // namespace nexus::v0::detail
