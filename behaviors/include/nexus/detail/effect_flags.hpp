// What an effect does beside storing, answering and asking: one flag each, which goes unchanged from the
// draft through the effect and its decision to the state machine. A new effect begins here.
#pragma once

namespace nexus::inline v0::detail {

struct effect_flags {
  bool erases = false;      ///< a durable state becomes what it was at first
  bool stashes = false;     ///< not decided: the command waits in the stash
  bool unstashes = false;   ///< nothing later is decided before this is durable; then the stash is
  bool runs = false;        ///< nothing later is decided before this is durable: a then_run waits
  bool stops = false;       ///< the entity stops once this is durable
  bool passivates = false;  ///< the entity stops once no command is on its way
  bool snapshots = false;   ///< a snapshot of the state after this is saved

  friend bool operator==(const effect_flags&, const effect_flags&) = default;
};

}
