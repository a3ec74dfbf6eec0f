// A bank in this process.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <nexus/nexus.hpp>
#include <string>

#include "transfers.hpp"

namespace bank {

// A running bank; several of them on one store stand for several processes.
struct running {
  explicit running(const nexus::store& in, const nexus::entity_options& options = {})
      : accounts{sys, in, options}, transfers{sys, in, options} {}

  nexus::system sys;
  nexus::entities<account> accounts;
  nexus::entities<transfer> transfers;

  void post(const std::string& name, std::int64_t hundredths) const {
    account::post c;
    c.what.ledger = "opening " + name;
    c.what.line = 2;
    c.what.hundredths = hundredths;
    c.what.currency = "USD";
    EXPECT_EQ(accounts.of(name).ask(std::move(c)).get(std::chrono::seconds{10}), taken::posted);
  }

  std::int64_t balance(const std::string& name) const {
    const auto all = accounts.of(name).ask(account::get_balances{}).get(std::chrono::seconds{10});
    EXPECT_TRUE(all) << all.error().message;
    return all && all->contains("USD") ? all->at("USD") : 0;
  }

  // "moved", the reason of a refusal, or "error: …".
  std::string move(const std::string& from, const std::string& to, std::int64_t hundredths) {
    const auto ended =
        run_transfer(transfers, sys.next_id().to_string(), {from, to, hundredths, "USD"});
    if (!ended) return "error: " + ended.error().message;
    return ended->refusal.empty() ? "moved" : ended->refusal;
  }
};

}  // namespace bank
