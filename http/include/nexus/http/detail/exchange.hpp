// One request in progress, and the resources of the server for its handler.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "nexus/detail/directory.hpp"
#include "nexus/http/detail/request_session.hpp"
#include "nexus/http/request.hpp"
#include "nexus/http/response.hpp"
#include "nexus/unit_of_work.hpp"

namespace nexus { inline namespace v0 { namespace http::detail {

/// Lends a session. The options have the time limit, and the name for the pool's leak warning.
using pool_lender = std::function<result<lent_session>(const borrow_options&)>;

/// The resources that the server got by `use`.
struct resources {
  pool_lender lend{};                            ///< empty: no pool
  const std::type_info* session_type = nullptr;  ///< the type of the pool's sessions
  /// By behavior_tag.
  std::map<const void*, std::shared_ptr<nexus::detail::entity_directory>> entities{};
};

/// The parameter names of a route's pattern.
struct route_names {
  std::vector<std::string> params;
};

struct exchange {
  const request& asked;
  const resources& with;
  call_header header;  ///< of the handler's questions: deadline, trace
  request_session lent;
  std::unique_ptr<unit_of_work> unit{};  ///< made when a handler declares it

  [[nodiscard]] unit_of_work& work() {
    if (!unit) unit = std::make_unique<unit_of_work>(lent);
    return *unit;
  }
};

using answerer = std::function<result<response>(exchange&)>;

}}}
