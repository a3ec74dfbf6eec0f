#include "nexus/deferred_read_models.hpp"

namespace nexus { inline namespace v0 {

flush_result deferred_read_models::flush(std::string_view context) {
  for (const auto& part : parts_) {
    if (auto done = part->flush(context); !done) return done;
  }
  return {};
}

flush_result deferred_read_models::flush(session& within, std::string_view context) {
  bind(within);
  return flush(context);
}

void deferred_read_models::bind(document_source other) {
  from_ = std::move(other);
  for (const auto& part : parts_) part->bind(from_);
}

void deferred_read_models::clear() {
  for (const auto& part : parts_) part->clear();
}

}}  // namespace nexus::v0
