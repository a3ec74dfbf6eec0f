// The parts of an effect besides storing, answering and asking: a flag for each, which passes
// unchanged from the draft through the effect and its decision to the state machine. A new kind of
// effect begins here.
#pragma once

namespace nexus { inline namespace v0 { namespace detail {

struct effect_flags {
  bool erases = false;      ///< a durable state starts again as a default state
  bool stashes = false;     ///< not decided: the command goes to the stash
  bool unstashes = false;   ///< the stash is decided next, before anything later
  bool runs = false;        ///< has a then_run: nothing later may be decided before it ran
  bool stops = false;       ///< the entity stops once this is durable
  bool passivates = false;  ///< the entity stops when no command is on its way
  bool snapshots = false;   ///< saves a snapshot of the state after this command

  friend bool operator==(const effect_flags&, const effect_flags&) = default;
};

}}}
