#include "nexus/detail/watching.hpp"

#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

watch_way watch_way::begin(entity_host& host, const call_header& cause) {
  const auto self = host.own_directory();
  watch_way made{self, std::string{host.own_id().id()}, self->caused_by(cause)};
  made.back.deadline = {};
  return made;
}

bool watch_way::is_open() const {
  const auto to = self.lock();
  return to != nullptr && to->status();
}

void watch_way::answered(entity_call* c) const {
  c->header = back;
  c->told = c->own = c->of_watch = true;
  if (const auto to = self.lock()) {
    (void)to->send(id, nullptr, *c, envelope{c}, admission::always);
  } else {
    const envelope dropped{c};
  }
  c->leave();
}

void watch_way::watch(entity_directory* in, std::string_view type, const void* tag,
                      std::string_view of, watch_call& c, envelope e) {
  if (in != nullptr && in->behavior() == tag) return in->watch(of, c, std::move(e));
  c.fail(no_entities_of(type));
}

void watch_way::watch(const caf::actor& who, std::function<void(result<ending>)> f) const {
  const auto from = self.lock();
  if (from == nullptr) return;
  if (!from->actor_watched()) {
    return f(fail(errc::overloaded, "too many CAF actors are watched by entities of this type"));
  }
  when_actor_ends(who, [from = self, f = std::move(f)](std::optional<error> why) {
    if (const auto to = from.lock()) to->actor_ended();
    if (why) return f(fail(*std::move(why)));
    f(ending::stopped);
  });
}

}}}  // namespace nexus::v0::detail
