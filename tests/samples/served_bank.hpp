// `bank serve` as a process, and its clients.
#pragma once

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "bank_fixture.hpp"
#include "http_client.hpp"

namespace samples {

/// Serves the fixture's journal on a free port, the same one after each start.
class ServedBank : public Bank {
 protected:
  using json = nlohmann::json;
  using http_client = nexus::test::http_client;

  static constexpr std::chrono::seconds patience{60};

  /// `a0`, `a1`, … with 1,000.00 USD each.
  void open_accounts(int count) {
    std::string text{header};
    for (int i = 0; i < count; ++i) {
      text += "t,2026-01-01,opening,a" + std::to_string(i) + ",1000,USD\n";
    }
    ASSERT_EQ(bank({"import", file("opening.csv", text)}).code, 0);
  }

  void start() {
    server.emplace(bank_line({"serve", "--port", std::to_string(port)}), directory.path());
    const auto begins = [&] {
      return server->out().find("is served at http://") != std::string::npos;
    };
    server->read_until(begins, patience);
    ASSERT_TRUE(begins()) << server->out() << server->err();
    const auto at = server->out().find("127.0.0.1:");
    port = std::stoi(server->out().substr(at + 10));
  }

  [[nodiscard]] http_client client() const {
    return http_client{static_cast<std::uint16_t>(port), patience};
  }

  /// The balance of an account in hundredths.
  std::int64_t balance(int account) const {
    auto got = client().get("/accounts/a" + std::to_string(account));
    if (!got || got->status != 200) return -1;
    const auto text = json::parse(got->body)["balances"]["USD"].get<std::string>();
    return std::llround(std::stod(text) * 100);
  }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port) + path;
  }

  std::optional<process> server;
  int port = 0;
};

}  // namespace samples
