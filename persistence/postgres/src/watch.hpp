// Waits for the notifications that notifiers of any process send.
#pragma once

#include <memory>

#include "core.hpp"
#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

[[nodiscard]] result<std::unique_ptr<journal_watch>> make_watch(std::shared_ptr<core> of);

}}}  // namespace nexus::v0::postgres
