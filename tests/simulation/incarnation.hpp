// One life of an entity on a node: a machine, its model, and their mirrors.
#pragma once

#include <memory>

#include "node.hpp"

namespace nexus::simulation {

struct node::incarnation {
  incarnation(const node& of, std::uint64_t named)
      : number{named},
        seen{of.s_, command_mirror{of.s_}, storage_mirror{of.s_, of.journal_},
             alarm_mirror{of.s_, of.journal_, of.writer()}},
        model{seen},
        machine{of.id_, model, of.s_.planned.machine, of.writer()} {}

  std::uint64_t number;
  witness seen;
  sim_model model;
  d::entity_fsm machine;
  std::shared_ptr<write> in_flight;
  bool watched = false;
  bool woken = false;          // started for an alarm, and no command has come since
  std::uint32_t checking = 0;  // the running read of the highest number
};

}
