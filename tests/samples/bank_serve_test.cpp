#include <array>
#include <csignal>
#include <functional>
#include <nexus/clock.hpp>
#include <nexus/ulid.hpp>
#include <random>
#include <regex>
#include <set>
#include <thread>

#include "kill_support.hpp"
#include "postgres/wait_until.hpp"
#include "served_bank.hpp"

namespace samples { namespace {

using namespace std::chrono_literals;
using nexus::test::wait_until;
using nlohmann::json;

using BankServe = ServedBank;

// By curl, as in a terminal: status and body.
struct shown {
  int status = 0;
  json body;
  std::string all;  // with headers
};

shown curl(command_line arguments) {
  arguments.insert(arguments.begin(), {"curl", "-sS", "-i", "--max-time", "60"});
  const auto done = run(arguments);
  EXPECT_EQ(done.code, 0) << done.err;
  shown s;
  s.all = done.out;
  std::smatch status;
  if (std::regex_search(done.out, status, std::regex{"HTTP/1.1 ([0-9]+)"})) {
    s.status = std::stoi(status[1]);
  }
  const auto at = done.out.find("\r\n\r\n");
  if (at != std::string::npos) s.body = json::parse(done.out.substr(at + 4), nullptr, false);
  return s;
}

std::string transfer_body(int from, int to, const std::string& amount) {
  return json{{"from", "a" + std::to_string(from)},
              {"to", "a" + std::to_string(to)},
              {"amount", amount},
              {"currency", "USD"}}
      .dump();
}

TEST_F(BankServe, AClientSeesAccountsHistoryAndTransfers) {
  open_accounts(3);
  start();
  const auto moved = curl({"-X", "POST", "-d", transfer_body(0, 1, "12.50"), url("/transfers")});
  EXPECT_EQ(moved.status, 201) << moved.all;
  EXPECT_EQ(moved.body["status"], "completed");
  const auto id = moved.body["id"].get<std::string>();
  EXPECT_NE(moved.all.find("Location: /transfers/" + id), std::string::npos) << moved.all;
  EXPECT_EQ(curl({url("/transfers/" + id)}).body, moved.body);

  const auto page = curl({url("/accounts?limit=2")});
  EXPECT_EQ(page.body, json::parse(R"({"accounts": [{"name": "a0", "balances": {"USD": "987.50"}},
                                                    {"name": "a1", "balances": {"USD": "1012.50"}}],
                                       "next": "a1"})"));
  EXPECT_EQ(curl({url("/accounts?limit=2&after=a1")}).body,
            json::parse(R"({"accounts": [{"name": "a2", "balances": {"USD": "1000.00"}}]})"));

  const auto history = curl({url("/accounts/a0/history")});
  ASSERT_EQ(history.body["entries"].size(), 2u) << history.all;
  EXPECT_EQ(history.body["entries"][0]["narration"], "opening");
  EXPECT_EQ(history.body["entries"][1]["narration"], "transfer to a1");
  EXPECT_EQ(history.body["entries"][1]["amount"], "-12.50");
  EXPECT_EQ(history.body["entries"][1]["balance"], "987.50");
  const auto first = curl({url("/accounts/a0/history?limit=1")});
  EXPECT_EQ(first.body["next"], 2);
  EXPECT_EQ(curl({url("/accounts/a0/history?from=2")}).body["entries"].size(), 1u);
}

TEST_F(BankServe, AccountsAreListedByPrefixInPages) {
  std::string text{header};
  for (const auto* name : {"Assets:Cash", "Assets:Stock", "Assets:Zoo", "Debts"}) {
    text += std::string{"t,2026-01-01,opening,"} + name + ",5,USD\n";
  }
  ASSERT_EQ(bank({"import", file("l.csv", text)}).code, 0);
  start();
  const auto names = [&](const std::string& query) {
    const auto page = curl({url("/accounts?" + query)}).body;
    std::string all;
    for (const auto& one : page["accounts"]) all += one["name"].get<std::string>() + " ";
    return all + page.value("next", "");
  };
  EXPECT_EQ(names("prefix=Assets:&limit=2"), "Assets:Cash Assets:Stock Assets:Stock");
  EXPECT_EQ(names("prefix=Assets:&limit=2&after=Assets:Stock"), "Assets:Zoo ");
  EXPECT_EQ(names("prefix=D"), "Debts ");
  EXPECT_EQ(names("prefix=d"), "");
}

TEST_F(BankServe, ListsAndStatusesBringNothingToLife) {
  open_accounts(3);
  start();
  const auto moved = curl({"-X", "POST", "-d", transfer_body(0, 1, "1"), url("/transfers")});
  ASSERT_EQ(moved.status, 201) << moved.all;
  ASSERT_TRUE(server->signal(SIGTERM));
  ASSERT_EQ(server->wait(), 0);
  start();
  EXPECT_EQ(curl({url("/transfers/" + moved.body["id"].get<std::string>())}).body, moved.body);
  EXPECT_EQ(curl({url("/accounts")}).body["accounts"].size(), 3u);
  const auto metrics = client().get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_TRUE(
      std::regex_search(metrics->body, std::regex{"nexus_live_entities[^ ]*account[^ ]* 0"}))
      << metrics->body;
  EXPECT_FALSE(std::regex_search(metrics->body, std::regex{"nexus_live_entities[^ ]* [1-9]"}));
}

TEST_F(BankServe, BalancesOfAnotherProcessHaveWhatWasAcknowledged) {
  open_accounts(2);
  start();
  for (int i = 1; i <= 3; ++i) {
    ASSERT_EQ(curl({"-X", "POST", "-d", transfer_body(0, 1, "1"), url("/transfers")}).status, 201);
    const auto b = std::to_string(1000 + i);
    EXPECT_EQ(bank({"balances", "--csv"}).out, "account,currency,amount\r\na0,USD," +
                                                   std::to_string(1000 - i) + ".00\r\na1,USD," + b +
                                                   ".00\r\n");
  }
  EXPECT_EQ(bank({"rebuild"}).code, 0);
  EXPECT_EQ(curl({url("/accounts?prefix=a1")}).body["accounts"][0]["balances"]["USD"], "1003.00");
}

TEST_F(BankServe, ATransferThatIsSentAgainMovesMoneyOnce) {
  open_accounts(2);
  start();
  const auto path = url("/transfers/01ARZ3NDEKTSV4RRFFQ69G5FAV");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(curl({"-X", "PUT", "-d", transfer_body(0, 1, "1"), path}).status, 201);
  }
  EXPECT_EQ(balance(1), 100'100);
  const auto other = curl({"-X", "PUT", "-d", transfer_body(0, 1, "2"), path});
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(other.body["detail"], "there is another transfer of this id");
}

TEST_F(BankServe, AnInvalidRequestIsExplainedInOneLine) {
  open_accounts(2);
  start();
  struct row {
    std::string method;
    std::string path;
    std::string body;
    int status;
    std::string detail;  // a part of it
  };
  const std::string transfer = "/transfers/01ARZ3NDEKTSV4RRFFQ69G5FAV";
  const row rows[] = {
      {"GET", "/accounts/nobody", "", 404, "there is no account \"nobody\""},
      {"GET", "/accounts/nobody/history", "", 404, "there is no account \"nobody\""},
      {"GET", "/accounts?limit=0", "", 400, "limit: \"0\" is not a number from 1 to 1000"},
      {"GET", "/accounts?limit=1001", "", 400, "limit: \"1001\" is not a number from 1 to 1000"},
      {"GET", "/accounts/a0/history?from=x", "", 400, "from: \"x\" is not a number"},
      {"GET", transfer, "", 404, "there is no transfer \"01ARZ3NDEKTSV4RRFFQ69G5FAV\""},
      {"PUT", "/transfers/7", transfer_body(0, 1, "1"), 400, "\"7\" is not a ULID"},
      {"PUT", transfer, "{", 400, "JSON"},
      {"PUT", transfer, "{\"from\":\"a0\"}", 400, "to"},
      {"PUT", transfer, transfer_body(0, 1, "x"), 400, "amount"},
      {"PUT", transfer, transfer_body(0, 1, "-1"), 400, "amount: \"-1\" is not above zero"},
      {"PUT", transfer, transfer_body(0, 0, "1"), 400, "to: \"a0\" is from as well"},
      {"PUT", transfer, transfer_body(0, 9, "1"), 404, "there is no account \"a9\""},
      {"PUT", transfer, transfer_body(0, 1, "5000"), 409,
       "insufficient funds: a0 has 1000.00 USD, not 5000.00"},
      {"DELETE", "/accounts/a0", "", 405, ""},
      {"GET", "/nothing", "", 404, ""}};
  for (const auto& r : rows) {
    command_line line{"-X", r.method, url(r.path)};
    if (!r.body.empty()) line.insert(line.end(), {"-d", r.body});
    const auto got = curl(line);
    EXPECT_EQ(got.status, r.status) << r.path << '\n' << got.all;
    EXPECT_NE(got.all.find("application/problem+json"), std::string::npos) << got.all;
    EXPECT_NE(got.body.value("detail", "").find(r.detail), std::string::npos) << got.all;
  }
  EXPECT_EQ(balance(0), 100'000);
}

TEST_F(BankServe, EveryPathOfItsDescriptionIsThere) {
  open_accounts(1);
  start();
  const auto described = curl({url("/openapi.json")}).body;
  EXPECT_EQ(described["openapi"], "3.0.3");
  int seen = 0;
  for (const auto& [pattern, methods] : described["paths"].items()) {
    const auto path =
        std::regex_replace(std::regex_replace(pattern, std::regex{"\\{account\\}"}, "a0"),
                           std::regex{"\\{transfer\\}"}, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    auto options = client().options(path);
    ASSERT_TRUE(options);
    for (const auto& [method, about] : methods.items()) {
      if (method == "parameters") continue;
      auto upper = method;
      for (auto& c : upper) c = static_cast<char>(std::toupper(c));
      EXPECT_NE(options->header("Allow").find(upper), std::string::npos) << path;
      ++seen;
    }
  }
  EXPECT_EQ(seen, 9);
  EXPECT_EQ(curl({url("/health")}).status, 200);
  EXPECT_NE(curl({url("/metrics")}).all.find("nexus_http_requests_total"), std::string::npos);
}

TEST_F(BankServe, AServerThatCannotStartExplainsItInOneLine) {
  EXPECT_NE(bank({"serve", "--port", "0"}).err.find("no such journal"), std::string::npos);
  open_accounts(1);
  start();
  const auto second = bank({"serve", "--port", std::to_string(port)});
  EXPECT_EQ(second.code, 2);
  EXPECT_NE(second.err.find(std::to_string(port)), std::string::npos) << second.err;
  EXPECT_EQ(std::count(second.err.begin(), second.err.end(), '\n'), 1) << second.err;
}

TEST_F(BankServe, AnAddressOfIPv6IsPrintedAsItIsAskedFor) {
  open_accounts(1);
  server.emplace(bank_line({"serve", "--address", "::1", "--port", "0"}), directory.path());
  const std::string begin = "is served at http://[::1]:";
  server->read_until([&] { return server->out().find(begin) != std::string::npos; }, patience);
  const auto at = server->out().find(begin);
  if (at == std::string::npos) {
    EXPECT_NE(server->err().find("cannot listen at \"[::1]:0\""), std::string::npos);
    GTEST_SKIP() << "there is no IPv6 here: " << server->err();
  }
  const auto port_of_it = std::to_string(std::stoi(server->out().substr(at + begin.size())));
  EXPECT_EQ(curl({"-g", "http://[::1]:" + port_of_it + "/accounts/a0"}).status, 200);
}

// -- under load -----------------------------------------------------------------------------------

constexpr int accounts = 10;
constexpr int clients = 8;

// The work of one client: transfers between random accounts, each sent until it is answered.
class busy_client {
 public:
  busy_client(int number, std::atomic<bool>& until)
      : random_{static_cast<unsigned>(number) + 1}, over_{until} {}

  // Keeps sending without answers, unless `patient` is false.
  void run(const std::function<nexus::test::http_client()>& connect, bool patient) {
    auto to_bank = connect();
    while (!over_) {
      const auto from = static_cast<int>(random_() % accounts);
      const auto to = (from + 1 + static_cast<int>(random_() % (accounts - 1))) % accounts;
      const auto cents = static_cast<std::int64_t>(random_() % 500 + 1);
      const auto id = ids_.next().to_string();
      const auto body =
          transfer_body(from, to,
                        std::to_string(cents / 100) + "." + (cents % 100 < 10 ? "0" : "") +
                            std::to_string(cents % 100));
      for (;;) {
        auto got = to_bank.put("/transfers/" + id, body, "application/json");
        ++sent;
        if (got && (got->status == 201 || got->status == 409)) {
          ++answered;
          if (got->status == 201) {
            moved[static_cast<std::size_t>(from)] -= cents;
            moved[static_cast<std::size_t>(to)] += cents;
          }
          break;
        }
        if (got) other_statuses.insert(got->status);
        if (!patient) {
          if (over_) return;
          break;
        }
        std::this_thread::yield();
      }
    }
  }

  std::array<std::int64_t, accounts> moved{};
  std::uint64_t sent = 0;
  std::atomic<std::uint64_t> answered{0};
  std::set<int> other_statuses;

 private:
  std::minstd_rand random_;
  nexus::wall_clock time_;
  nexus::ulid_generator ids_{time_};
  std::atomic<bool>& over_;
};

class BankServeUnderLoad : public ServedBank {
 protected:
  void run_clients(bool patient, const std::function<void()>& meanwhile) {
    std::atomic<bool> over{false};
    for (int i = 0; i < clients; ++i) all.push_back(std::make_unique<busy_client>(i, over));
    std::vector<std::jthread> threads;
    for (auto& one : all) {
      threads.emplace_back([&] { one->run([&] { return client(); }, patient); });
    }
    meanwhile();
    over = true;
  }

  std::uint64_t answered() const {
    std::uint64_t sum = 0;
    for (const auto& one : all) sum += one->answered;
    return sum;
  }

  void expect_balances() {
    for (int i = 0; i < accounts; ++i) {
      std::int64_t expected = 100'000;
      for (const auto& one : all) expected += one->moved[static_cast<std::size_t>(i)];
      EXPECT_EQ(balance(i), expected) << "a" << i;
    }
  }

  std::vector<std::unique_ptr<busy_client>> all;
};

TEST_F(BankServeUnderLoad, LosesNoAcknowledgedTransferWhenItIsKilledAndRestarted) {
  open_accounts(accounts);
  start();
  const int kills = times(5, 100);
  run_clients(true, [&] {
    auto random = random_source();
    for (int i = 0; i < kills; ++i) {
      const auto enough = answered() + random() % 60;
      EXPECT_TRUE(wait_until([&] { return answered() >= enough; }, patience));
      server->read_for(std::chrono::microseconds{random() % 30'000});
      EXPECT_TRUE(server->kill());
      start();
    }
    const auto enough = answered() + 20;
    EXPECT_TRUE(wait_until([&] { return answered() >= enough; }, patience));
  });
  std::printf("%ju transfers were answered over %d kills\n",
              static_cast<std::uintmax_t>(answered()), kills);
  expect_balances();
  server->kill();
  EXPECT_EQ(bank({"verify"}).code, 0);
}

TEST_F(BankServeUnderLoad, FinishesWhatIsInFlightWhenItIsTerminated) {
  open_accounts(accounts);
  start();
  int code = -1;
  run_clients(false, [&] {
    EXPECT_TRUE(wait_until([&] { return answered() >= 100; }, patience));
    EXPECT_TRUE(server->signal(SIGTERM));
    code = server->wait();
  });
  EXPECT_EQ(code, 0) << server->err();
  EXPECT_NE(server->out().find("stopped\n"), std::string::npos) << server->out();
  const auto verified = bank({"verify"});
  EXPECT_EQ(verified.out.find("not over"), std::string::npos) << verified.out;
  start();
  for (const auto& one : all) {
    for (int status : one->other_statuses) EXPECT_EQ(status, 503);
  }
  expect_balances();
}

}}  // namespace samples
