#include "nexus/read_models.hpp"

namespace nexus { inline namespace v0 {

read_models::read_models(store of, const read_model_options& options)
    : from_{std::move(of)},
      cache_{options.cached_max == 0
                 ? nullptr
                 : std::make_shared<detail::snapshot_cache>(options.cached_max)} {}

read_models::read_models(session& of) : from_{of} {}

void read_models::clear() const {
  if (cache_) cache_->clear();
}

}}  // namespace nexus::v0
