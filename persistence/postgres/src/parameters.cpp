#include "parameters.hpp"

namespace nexus::inline v0::postgres {
namespace {

constexpr std::size_t header_bytes = 20;  // of an array with one dimension

}  // namespace

void array::clear() {
  bytes_.assign(header_bytes, '\0');
  size_ = 0;
  nulls_ = false;
}

std::string_view array::encoded() {
  std::string header;
  put(header, std::int32_t{size_ == 0 ? 0 : 1});  // dimensions
  put(header, std::int32_t{nulls_ ? 1 : 0});
  put(header, static_cast<std::uint32_t>(type_));
  if (size_ > 0) {
    put(header, static_cast<std::int32_t>(size_));
    put(header, std::int32_t{1});  // the first one's index
  }
  bytes_.replace(0, header.size(), header);
  return size_ > 0 ? std::string_view{bytes_} : std::string_view{bytes_}.substr(0, header.size());
}

parameters& parameters::add(std::string_view value) {
  values_.push_back(value.data() == nullptr ? "" : value.data());  // a null pointer would be NULL
  lengths_.push_back(static_cast<int>(value.size()));
  formats_.push_back(1);
  return *this;
}

parameters& parameters::int8(std::int64_t value) {
  put(owned_.emplace_back(), value);
  return add(owned_.back());
}

parameters& parameters::null() {
  values_.push_back(nullptr);
  lengths_.push_back(0);
  formats_.push_back(1);
  return *this;
}

}  // namespace nexus::inline v0::postgres
