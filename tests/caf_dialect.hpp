// Functions of tests for what CAF 0.17 and 1.x name differently. 1.x has most names of 0.17 too, and
// deprecates them.
#pragma once

#include <caf/all.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace nexus::test {

#ifdef CAF_VERSION_MAJOR  // 1.x

/// Sends `m` without a sender.
template <class T>
void send(const caf::actor& to, T m) {
  caf::anon_mail(std::move(m)).send(to);
}

/// Sends `m` from `self`, which receives the answer as a message.
template <class Self, class T>
void send_as(Self& self, const caf::actor& to, T m) {
  self.mail(std::move(m)).send(to);
}

/// A request; CAF's `then` or `receive` of the result handles the answer.
template <class Self, class Timeout, class T>
auto request(Self& self, const caf::actor& to, Timeout timeout, T m) {
  return self.mail(std::move(m)).request(to, timeout);
}

/// A request of high priority, without a timeout.
template <class Self, class T>
auto urgent_request(Self& self, const caf::actor& to, T m) {
  return self.mail(std::move(m)).urgent().request(to, caf::infinite);
}

/// Calls `f` with the reason when `whom` has ended.
inline void on_end(caf::event_based_actor& self, const caf::actor& whom,
                   std::function<void(const caf::error&)> f) {
  self.monitor(whom, std::move(f));
}

/// `handlers`, and `f` after a pause without messages.
inline caf::behavior with_receive_timeout(caf::event_based_actor& self,
                                          const caf::message_handler& handlers,
                                          std::chrono::milliseconds pause,
                                          std::function<void()> f) {
  self.set_idle_handler(pause, caf::strong_ref, caf::once, std::move(f));
  return handlers;
}

#else

template <class T>
void send(const caf::actor& to, T m) {
  caf::anon_send(to, std::move(m));
}

template <class Self, class T>
void send_as(Self& self, const caf::actor& to, T m) {
  self.send(to, std::move(m));
}

template <class Self, class Timeout, class T>
auto request(Self& self, const caf::actor& to, Timeout timeout, T m) {
  return self.request(to, timeout, std::move(m));
}

template <class Self, class T>
auto urgent_request(Self& self, const caf::actor& to, T m) {
  return self.template request<caf::message_priority::high>(to, caf::infinite, std::move(m));
}

inline void on_end(caf::event_based_actor& self, const caf::actor& whom,
                   std::function<void(const caf::error&)> f) {
  self.monitor(whom);
  self.set_down_handler([f = std::move(f)](const caf::down_msg& m) { f(m.reason); });
}

inline caf::behavior with_receive_timeout(caf::event_based_actor& /*self*/,
                                          caf::message_handler handlers,
                                          std::chrono::milliseconds pause,
                                          const std::function<void()>& f) {
  return handlers.or_else(caf::after(pause) >> f);
}

#endif

/// "runtime_error: oops" of runtime_error("oops"), as CAF 1.x renders it, and of
/// system_error(runtime_error, ("oops")), as 0.17 does.
inline std::string text(const caf::error& e) {
  auto all = to_string(e);
  for (const std::string category : {"system_error(", "exit_reason("}) {
    if (all.starts_with(category)) all.erase(0, category.size());
  }
  auto what = all.substr(0, all.find_first_of(",()"));
  const auto quoted = all.find('"');
  if (quoted != std::string::npos) {
    what += ": " + all.substr(quoted + 1, all.rfind('"') - quoted - 1);
  }
  return what;
}

}  // namespace nexus::test
