#include "nexus/detail/row_image.hpp"

#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

row_values image_reader::row() {
  row_values made(count());
  sql_value read;
  for (auto& one : made) {
    if (value(read)) one.emplace(std::exchange(read, {}));
  }
  return made;
}

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
    if (!from.rest().empty()) throw malformed_image{};
    return made;
  } catch (const malformed_image&) {
    return fail(no_rows());
  }
}

error no_rows() { return {errc::corrupt, "these bytes are no rows"}; }

}}}  // namespace nexus::v0::detail
