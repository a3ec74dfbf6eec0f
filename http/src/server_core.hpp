// The server without sockets: routes, handlers' resources, error responses, the ordered shutdown.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "deadline_watch.hpp"
#include "gate.hpp"
#include "listener.hpp"
#include "nexus/http/server.hpp"
#include "routes.hpp"
#include "target.hpp"
#include "trace.hpp"

namespace nexus { inline namespace v0 { namespace http {

namespace detail {

class server_core final : public request_handler,
                          public shutdown_participant,
                          public std::enable_shared_from_this<server_core> {
 public:
  server_core(system& on, server_options o);
  ~server_core() override;

  // Before `start`, on one thread:

  /// Remembers the first error, for `start`.
  result<void> refuse(error why);
  result<void> add(std::string_view method, std::string_view pattern,
                   const std::function<std::string(const resources&, const route_names&)>& missing,
                   answerer answer, const route_options& how);
  [[nodiscard]] result<void> start();

  resources given;
  std::vector<store> stores;
  std::function<pool_statistics()> sessions;

  // request_handler
  [[nodiscard]] response answer(request asked, target to) override;
  [[nodiscard]] response refusal(int status, std::string_view title,
                                 std::string_view detail) const override;
  void count(std::string_view method, std::string_view route, int status) override;
  void count_turned_away() override;

  /// Stops and waits for the threads.
  void close();

  [[nodiscard]] std::uint16_t port() const noexcept;

  // shutdown_participant
  stage of() const override { return stage::work; }
  std::string name() const override;
  void stop_admitting() override;
  bool is_quiet() override { return requests.inside() == 0; }
  std::uint64_t admitted() override { return requests.admitted(); }
  void stop() override;
  std::vector<std::string> remaining() override;

  const std::shared_ptr<system> kept;  // the system may go before the server
  system& sys;
  const server_options options;
  gate requests;

 private:
  [[nodiscard]] result<void> check_options() const;
  void add_own_routes();
  [[nodiscard]] response find_and_answer(request& asked, target to, const trace_context& trace,
                                         const served_route*& route);
  [[nodiscard]] response answer_at(const served_route& route, const request& asked,
                                   const trace_context& trace);
  [[nodiscard]] response run(const served_route& route, exchange& e);
  [[nodiscard]] response problem_of(const error& why, int rejected, std::string_view what,
                                    std::string_view trace_id) const;
  [[nodiscard]] response failed(std::string_view what, std::string_view why,
                                std::string_view trace_id) const;
  [[nodiscard]] result<std::chrono::milliseconds> time_for(const request& asked) const;
  [[nodiscard]] session_lender lender(const served_route& route,
                                      std::chrono::steady_clock::time_point deadline);

  routes routes_;
  result<void> status_;
  deadline_watch late_;
  std::thread watching_;
  std::unique_ptr<listener> listener_;
  registration in_flight_;
};

}

/// The response of /health.
[[nodiscard]] response health(bool serving, const std::vector<store>& stores,
                              const std::function<pool_statistics()>& sessions);

}}}
