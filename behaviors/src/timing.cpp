#include "nexus/detail/timing.hpp"

#include "nexus/detail/directory.hpp"

namespace nexus { inline namespace v0 { namespace detail {

// No caller waits for the timer's command: it has no deadline, and its failure goes to the dead
// letters.
result<void> set_timer(entity_host& host, const call_header& cause, entity_call* c,
                       timer_wish wish) {
  wish.command = envelope{c};
  c->leave();
  c->told = true;
  c->header = host.own_directory()->caused_by(cause);
  c->header.deadline = {};
  return host.set_timer(std::move(wish));
}

}}}
