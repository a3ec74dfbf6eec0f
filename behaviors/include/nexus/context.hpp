// What `decide` may know beside state and command: its optional third parameter.
#pragma once

#include <string_view>

#include "nexus/call.hpp"
#include "nexus/journal.hpp"

namespace nexus::inline v0 {

/// Valid during the call of `decide`.
class context {
 public:
  context(std::string_view id, sequence_nr next, timestamp now, const call_header& command) noexcept
      : id_{id}, next_{next}, now_{now}, command_{&command} {}

  /// The entity's own id, without its type.
  [[nodiscard]] std::string_view id() const noexcept { return id_; }

  /// The number that the first event persisted now will get.
  [[nodiscard]] sequence_nr next_nr() const noexcept { return next_; }

  /// When the command was taken up, by the system's clock; what its events are stamped with.
  [[nodiscard]] timestamp now() const noexcept { return now_; }

  /// Ids and trace context of the command.
  [[nodiscard]] const call_header& command() const noexcept { return *command_; }

 private:
  std::string_view id_;
  sequence_nr next_;
  timestamp now_;
  const call_header* command_;
};

}  // namespace nexus::inline v0
