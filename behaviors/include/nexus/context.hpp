// The optional third parameter of `decide`: the id, the time and the header of the command.
//
// Threads: the entity's, during the call.
#pragma once

#include <string_view>

#include "nexus/call.hpp"
#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 {

/// Valid during the call of `decide`.
class context {
 public:
  context(std::string_view id, sequence_nr next, timestamp now, const call_header& command) noexcept
      : id_{id}, next_{next}, now_{now}, command_{&command} {}

  /// The id of the entity, without its type.
  [[nodiscard]] std::string_view id() const noexcept { return id_; }

  /// The number that the first event of this command will get.
  [[nodiscard]] sequence_nr next_nr() const noexcept { return next_; }

  /// When the entity took up the command, by the system's clock; the timestamp of its events.
  [[nodiscard]] timestamp now() const noexcept { return now_; }

  /// The ids and trace context of the command.
  [[nodiscard]] const call_header& command() const noexcept { return *command_; }

 private:
  std::string_view id_;
  sequence_nr next_;
  timestamp now_;
  const call_header* command_;
};

}}  // namespace nexus::v0
