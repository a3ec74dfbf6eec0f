// Changes of states on their way, for the files of the session that write and read them.
//
// Threads: values. Throws: nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "session.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// A request on its way.
struct dynamodb_session::change {
  std::size_t index = 0;
  const upsert_request* sent = nullptr;
  std::string value{};  ///< packed
  assumption assumed{};
  unsigned refused = 0;    ///< how often its own head was not as assumed
  unsigned overtaken = 0;  ///< how often others took the number of its batch, or changed the batch
};

/// The state in the head of an id; none if it has none. `corrupt` names the journal.
[[nodiscard]] result<std::optional<stored_state>> state_in(const json& item,
                                                           const persistence_id& id,
                                                           std::string_view journal);

}}}  // namespace nexus::v0::dynamodb
