// Shows and bookings over HTTP, and the page that shows them.
#pragma once

#include <nexus/http.hpp>
#include <string_view>

#include "report.hpp"

namespace seats {

/// `web` must have the entities of `show`. Errors are returned by its `start`. The other arguments
/// must outlive it.
void add_routes(nexus::http::server& web, nexus::system& sys, const report& rows);

/// page.html.
[[nodiscard]] std::string_view page() noexcept;

}  // namespace seats
