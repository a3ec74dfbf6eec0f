// Entities for handlers: questions carry the request's deadline and trace.
//
//   web.get("/accounts/{name}",
//           [](http::entity<account> one) { return one.ask(account::balance{}); });
//
//   web.get("/richest", [](http::entities<account> all) -> nexus::result<http::json> {
//     auto alice = all.of("alice").ask(account::balance{});   // both are sent, then waited for
//     auto bob = all.of("bob").ask(account::balance{});
//     …
//
// Threads: values that belong to the request's handler. Failures come as answers; see errc.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/behavior.hpp"
#include "nexus/detail/directory.hpp"
#include "nexus/entities.hpp"

namespace nexus { inline namespace v0 { namespace http {

/// An entity, live or not.
template <behavior B>
class entity {
 public:
  entity(std::shared_ptr<nexus::detail::entity_directory> in, std::string_view id,
         const call_header& header)
      : directory_{std::move(in)}, id_{id}, header_{header} {}

  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// Sends a command now. Collect the answer with `get()`, which waits until the request's
  /// deadline, or return it from the handler.
  template <class C>
    requires nexus::detail::is_alternative<C, typename B::command>
  asked<reply_t<B, C>> ask(C command) const {
    return send(std::move(command), nexus::detail::verified::no);
  }

  /// The same with entity_ref::ask_verified.
  template <class C>
    requires nexus::detail::is_alternative<C, typename B::command>
  asked<reply_t<B, C>> ask_verified(C command) const {
    return send(std::move(command), nexus::detail::verified::yes);
  }

 private:
  // Sent as work from inside: in an ordered shutdown an admitted request is finished.
  template <class C>
  asked<reply_t<B, C>> send(C command, nexus::detail::verified how) const {
    return nexus::detail::ask_entity<B>(*directory_, id_, nullptr, std::move(command), header_, how,
                                        nexus::detail::admission::inside);
  }

  std::shared_ptr<nexus::detail::entity_directory> directory_;
  std::string id_;
  call_header header_;
};

/// All entities of a behavior.
template <behavior B>
class entities {
 public:
  entities(std::shared_ptr<nexus::detail::entity_directory> in, const call_header& header)
      : directory_{std::move(in)}, header_{header} {}

  [[nodiscard]] entity<B> of(std::string_view id) const { return {directory_, id, header_}; }

 private:
  std::shared_ptr<nexus::detail::entity_directory> directory_;
  call_header header_;
};

}}}  // namespace nexus::v0::http
