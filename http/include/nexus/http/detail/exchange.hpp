// One request that is being answered, and what the server can give its handler.
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

namespace nexus::inline v0::http::detail {

/// How long to wait for a session, and for whom, as the pool's leak warning names it.
using pool_lender = std::function<result<lent_session>(const borrow_options&)>;

/// What the server was given by `use`.
struct resources {
  pool_lender lend{};                            ///< empty: no pool
  const std::type_info* session_type = nullptr;  ///< what the pool lends
  /// By behavior_tag.
  std::map<const void*, std::shared_ptr<nexus::detail::entity_directory>> entities{};
};

/// What a route's pattern says about parameters.
struct route_names {
  std::vector<std::string> params;
};

struct exchange {
  const request& asked;
  const resources& with;
  call_header header;  ///< of what the handler asks: deadline, trace
  request_session lent;
};

using answerer = std::function<result<response>(exchange&)>;

}
