// The bank over HTTP: accounts, their history, and transfers, as JSON. openapi.json describes it.
//
// Amounts are text with two decimals, since many clients read JSON's numbers as floating point. A
// transfer has an id, a ULID: a client that chooses it (PUT) may repeat the request any number of
// times, and money moves once.
#pragma once

#include <nexus/http.hpp>
#include <string_view>

#include "balance_sheet.hpp"

namespace bank {

/// `web` must have the store, accounts and transfers. Errors are returned by its `start`. The other
/// arguments must outlive it.
void add_routes(nexus::http::server& web, nexus::system& sys, const balance_sheet& sheet);

/// openapi.json.
[[nodiscard]] std::string_view openapi() noexcept;

}  // namespace bank
