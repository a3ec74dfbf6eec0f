// The bank over HTTP: accounts, their history, and transfers, as JSON. openapi.json describes it.
//
// Amounts are text with two decimals, since JSON's numbers are floating point to many clients. A transfer
// has an id, a ULID: who chooses it (PUT) may ask again as often as it takes, and money moves once.
#pragma once

#include <nexus/http.hpp>
#include <string_view>

namespace bank {

/// The server has been given the store, accounts and transfers. `start` of it tells what was refused.
void add_routes(nexus::http::server& web, nexus::system& sys);

/// openapi.json.
[[nodiscard]] std::string_view openapi() noexcept;

}  // namespace bank
