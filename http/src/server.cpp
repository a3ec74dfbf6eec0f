#include "nexus/http/server.hpp"

#include "listening.hpp"
#include "server_core.hpp"

namespace nexus { inline namespace v0 { namespace http {

server::server(system& sys, server_options options)
    : core_{std::make_shared<detail::server_core>(sys, std::move(options))} {}

server::~server() { core_->close(); }

void server::use(const store& s) {
  use(s.sessions());
  core_->stores.push_back(s);
  core_->sys.metrics().include(s.metrics());
}

void server::lend(const std::type_info& type, detail::pool_lender from,
                  std::function<pool_statistics()> statistics) {
  if (core_->given.lend) {
    (void)core_->refuse({errc::invalid_argument, "an HTTP server uses one pool of sessions"});
    return;
  }
  core_->given.lend = std::move(from);
  core_->given.session_type = &type;
  core_->sessions = std::move(statistics);
}

void server::lead_to(std::string_view type, const void* tag, result<void> status) {
  auto found = nexus::detail::entity_directory::on(core_->sys, type);
  if (status && (found == nullptr || found->behavior() != tag)) {
    status = fail(errc::invalid_argument, "they are of another system than the server");
  }
  if (!status) {
    (void)core_->refuse({errc::invalid_argument,
                         "entities of \"" + std::string{type} + "\": " + status.error().message});
    return;
  }
  core_->given.entities[tag] = std::move(found);
}

result<void> server::add(std::string_view method, std::string_view pattern, missing_what missing,
                         detail::answerer answer, const route_options& options) {
  return core_->add(method, pattern, missing, std::move(answer), options);
}

result<void> server::start() { return core_->start(); }

std::uint16_t server::port() const noexcept { return core_->port(); }

std::string server::url() const {
  return "http://" + authority(core_->options.address, core_->port());
}

}}}  // namespace nexus::v0::http
