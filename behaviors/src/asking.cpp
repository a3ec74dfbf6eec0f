#include "nexus/detail/asking.hpp"

namespace nexus { inline namespace v0 { namespace detail {

question_way question_way::begin(entity_host& host, const call_header& cause,
                                 std::string_view asked_type, const void* asked_tag) {
  question_way made;
  made.self = host.own_directory();
  made.other = host.directory_of(asked_type);
  if (made.other != nullptr && made.other->behavior() != asked_tag) made.other = nullptr;
  made.id = host.own_id().id();
  made.there = made.self->caused_by(cause);
  // The answer must arrive however late it is: a process would wait for it for ever.
  made.back = made.there;
  made.back.deadline = {};
  made.self->question_asked();
  return made;
}

void question_way::answered(entity_call* c) const {
  c->header = back;
  c->told = c->own = true;
  (void)self->send(id, nullptr, *c, envelope{c}, admission::always);
  c->leave();
  self->question_answered();
}

void question_way::send(std::string_view to, entity_call& c, envelope e) const {
  c.header = there;
  const auto by = other == self ? admission::kin : admission::inside;
  (void)other->send(to, nullptr, c, std::move(e), by);
}

error no_entities_of(std::string_view type) {
  return {errc::invalid_argument,
          "there are no entities of type \"" + std::string{type} + "\" on this system"};
}

}}}
