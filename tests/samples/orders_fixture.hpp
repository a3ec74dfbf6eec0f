// The program `orders` on a fresh database of each kind, and its service.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <nexus/nexus.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "http_client.hpp"
#include "postgres/cluster.hpp"
#include "process.hpp"
#include "temporary_folder.hpp"

namespace samples {

class Orders : public ::testing::TestWithParam<const char*> {
 protected:
  using json = nlohmann::json;
  static constexpr std::chrono::seconds patience{60};

  struct answered {
    int status = 0;  // 0: no answer came
    json body;
  };

  [[nodiscard]] command_line orders_line(command_line arguments) const {
    arguments.insert(arguments.begin(), ORDERS_PROGRAM);
    arguments.insert(arguments.end(), {"--database", uri});
    return arguments;
  }
  [[nodiscard]] finished orders(command_line arguments) const {
    return run(orders_line(std::move(arguments)), folder.path());
  }
  [[nodiscard]] finished bank(command_line arguments) const {
    arguments.insert(arguments.begin(), BANK_PROGRAM);
    arguments.insert(arguments.end(), {"--journal", uri});
    return run(arguments, folder.path());
  }

  /// By SQL, beside the program.
  std::int64_t number(std::string_view sql) {
    if (!store) store = nexus::open(uri).value();
    if (!session) session = store->open_session().value();
    const auto found = session->query<std::int64_t>(sql);
    EXPECT_TRUE(found) << found.error().message;
    return found && !found->empty() ? found->front() : -1;
  }

  /// Serves the database on a free port.
  void start() {
    server.emplace(orders_line({"serve", "--port", "0"}), folder.path());
    const std::string at = "http://127.0.0.1:";
    const auto begins = [&] { return server->out().find('\n') != std::string::npos; };
    server->read_until(begins, patience);
    ASSERT_NE(server->out().find(at), std::string::npos) << server->out() << server->err();
    port = static_cast<std::uint16_t>(
        std::stoi(server->out().substr(server->out().find(at) + at.size())));
  }

  static answered send(nexus::test::http_client& client, const std::string& method,
                       const std::string& path, const json& body = {}) {
    const auto text = body.is_null() ? "" : body.dump();
    const auto got = client.send(method, path, {}, text, body.is_null() ? "" : "application/json");
    if (!got) return {};
    return {got->status, json::parse(got->body, nullptr, false)};
  }
  [[nodiscard]] answered send(const std::string& method, const std::string& path,
                              const json& body = {}) const {
    nexus::test::http_client client{port, patience};
    return send(client, method, path, body);
  }

  const nexus::test::temporary_folder folder;
  const std::string uri = std::string_view{GetParam()} == "sqlite"
                              ? "sqlite:" + folder.path("orders.db")
                              : nexus::test::cluster::shared().fresh_database();
  std::optional<nexus::store> store;
  std::unique_ptr<nexus::journal_session> session;
  std::optional<process> server;
  std::uint16_t port = 0;
};

#define ORDERS_ON_BOTH(suite)                                                         \
  INSTANTIATE_TEST_SUITE_P(Databases, suite, ::testing::Values("sqlite", "postgres"), \
                           [](const auto& of) { return std::string{of.param}; })

}  // namespace samples
