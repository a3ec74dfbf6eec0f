#include "note.hpp"

nexus::effect<note, std::int64_t> note::decide(const state& s, const write& c) {
  return nexus::persist(state{c.value}).then_reply([before = s.value](const state&) {
    return before;
  });
}

nexus::effect<note, std::int64_t> note::decide(const state& s, const read&) {
  return nexus::reply(s.value);
}

template class nexus::compiled<note>;
