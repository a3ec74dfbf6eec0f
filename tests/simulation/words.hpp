// Inputs and actions as words in a trace.
#pragma once

#include <string>

#include "entity.hpp"

namespace nexus::simulation {

[[nodiscard]] std::string word(const envelope& command);
[[nodiscard]] std::string word(const d::loaded& i);
[[nodiscard]] std::string word(const d::replayed& i);
[[nodiscard]] std::string word(const d::appended& i);
[[nodiscard]] std::string word(const d::settle_answered& i);
[[nodiscard]] std::string word(const d::snapshot_saved& i);
[[nodiscard]] std::string word(const d::wait_over& i);
[[nodiscard]] std::string word(const d::recovery_stalled& i);
[[nodiscard]] std::string word(const d::passivate_asked& i);
[[nodiscard]] std::string word(const d::restart_asked& i);
[[nodiscard]] std::string word(const d::highest_checked& i);
[[nodiscard]] std::string word(const d::alarm_due& i);
[[nodiscard]] std::string word(const d::close_asked& i);

[[nodiscard]] std::string word(const d::load& a);
[[nodiscard]] std::string word(const d::replay& a);
[[nodiscard]] std::string word(const d::decode_chunk& a);
[[nodiscard]] std::string word(const d::append& a);
[[nodiscard]] std::string word(const d::settle& a);
[[nodiscard]] std::string word(const d::save& a);
[[nodiscard]] std::string word(const d::release& a);
[[nodiscard]] std::string word(const d::refuse& a);
[[nodiscard]] std::string word(const d::discard& a);
[[nodiscard]] std::string word(const d::run& a);
[[nodiscard]] std::string word(const d::wait& a);
[[nodiscard]] std::string word(const d::tell& a);
[[nodiscard]] std::string word(const d::read_highest& a);
[[nodiscard]] std::string word(const d::due_stored& a);
[[nodiscard]] std::string word(const d::alarm_seen& a);
[[nodiscard]] std::string word(const d::stopped& a);

}
