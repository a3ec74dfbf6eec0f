#include "parameters.hpp"

#include <algorithm>

namespace nexus { inline namespace v0 { namespace postgres {

void array::grow(std::size_t needed) {
  capacity_ = std::max({needed, capacity_ * 2, std::size_t{256}});
  auto larger =
      std::make_unique_for_overwrite<char[]>(capacity_);  // NOLINT(modernize-avoid-c-arrays)
  if (bytes_ != nullptr) std::memcpy(larger.get(), bytes_.get(), used_);
  bytes_ = std::move(larger);
}

std::string_view array::encoded() {
  auto* to = put(bytes_.get(), std::int32_t{size_ == 0 ? 0 : 1});  // dimensions
  to = put(to, std::int32_t{nulls_ ? 1 : 0});
  to = put(to, static_cast<std::uint32_t>(type_));
  if (size_ == 0) return {bytes_.get(), static_cast<std::size_t>(to - bytes_.get())};
  to = put(to, static_cast<std::int32_t>(size_));
  put(to, std::int32_t{1});  // the index of the first element
  return {bytes_.get(), used_};
}

parameters& parameters::add(std::string_view value) {
  values_.push_back(value.data() == nullptr ? "" : value.data());  // a null pointer would be NULL
  lengths_.push_back(static_cast<int>(value.size()));
  formats_.push_back(1);
  return *this;
}

parameters& parameters::int8(std::int64_t value) {
  auto& bytes = owned_.emplace_back();
  put(bytes.data(), value);
  return add({bytes.data(), bytes.size()});
}

parameters& parameters::null() {
  values_.push_back(nullptr);
  lengths_.push_back(0);
  formats_.push_back(1);
  return *this;
}

}}}  // namespace nexus::v0::postgres
