// A server with accounts in memory, and clients.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <nexus/http.hpp>
#include <nexus/log.hpp>
#include <nexus/nexus.hpp>
#include <optional>
#include <set>
#include <string>

#include "docs/account.hpp"
#include "http_client.hpp"
#include "postgres/wait_until.hpp"

namespace nexus::test {

using namespace std::chrono_literals;
using http::json;

struct Web : testing::Test {
  static http::server_options options() {
    http::server_options o;
    o.port = 0;
    o.threads = 4;
    return o;
  }

  /// A server on the system, with its pool and entities; add routes, then call `start`.
  http::server& make(http::server_options o = options()) {
    web.emplace(sys, std::move(o));
    web->use(*store);
    web->use(*accounts);
    return *web;
  }

  void start() {
    const auto started = web->start();
    ASSERT_TRUE(started) << started.error().message;
  }

  [[nodiscard]] http_client client() const { return http_client{web->port()}; }

  /// A value in the text of /metrics; none if it is missing.
  [[nodiscard]] std::optional<double> metric(const std::string& name_and_labels) {
    const auto text = "\n" + to_text(sys.metrics());
    const auto at = text.find("\n" + name_and_labels + " ");
    if (at == std::string::npos) return std::nullopt;
    return std::stod(text.substr(at + name_and_labels.size() + 2));
  }

  nexus::system sys;
  std::optional<nexus::store> store{*nexus::open("memory:")};
  std::optional<nexus::entities<account>> accounts{std::in_place, sys, *store};
  std::optional<http::server> web;
};

inline json parsed(const http_client::answer& r) { return json::parse(r->body, nullptr, false); }

}  // namespace nexus::test
