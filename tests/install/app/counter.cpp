#include "counter.hpp"

#include "note.hpp"

nexus::effect<counter, std::int64_t> counter::decide(const state&, const increment& c) {
  return nexus::persist(incremented{c.by}).then_reply(&state::value);
}

nexus::effect<counter> counter::decide(const state& s, const note_it&) {
  return nexus::ask<note>("value", note::write{s.value}, [](nexus::result<std::int64_t> before) {
    return noted{before.value_or(-1)};
  });
}

nexus::effect<counter> counter::decide(const state&, const noted& c) {
  if (c.before < 0) return nexus::reject("there is no note");
  return nexus::none();
}

void counter::apply(state& s, const incremented& e) { s.value += e.by; }

template class nexus::compiled<counter>;
