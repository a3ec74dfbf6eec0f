// The program `seats`, and its clients.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <nexus/nexus.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "http_client.hpp"
#include "kill_support.hpp"
#include "process.hpp"
#include "temporary_folder.hpp"

namespace samples { namespace {

using nlohmann::json;

constexpr std::chrono::seconds patience{60};

class SeatsServe : public ::testing::Test {
 protected:
  struct got {
    int status = 0;
    json body;
  };

  void start(command_line more = {}) {
    command_line line{SEATS_PROGRAM, "--journal", "sqlite:" + folder.path("seats.db"), "--port",
                      std::to_string(port)};
    line.insert(line.end(), more.begin(), more.end());
    server.emplace(line, folder.path());
    const std::string begin = "open http://127.0.0.1:";
    server->read_until([&] { return server->out().find('\n') != std::string::npos; }, patience);
    ASSERT_EQ(server->out().rfind(begin, 0), 0u) << server->out() << server->err();
    port = std::stoi(server->out().substr(begin.size()));
  }

  [[nodiscard]] got send(const std::string& method, const std::string& path,
                         const json& body = {}) const {
    nexus::test::http_client client{static_cast<std::uint16_t>(port), patience};
    auto answer = client.send(method, path, {}, body.is_null() ? "" : body.dump(),
                              body.is_null() ? "" : "application/json");
    if (!answer) return {};
    return {answer->status, json::parse(answer->body, nullptr, false)};
  }
  [[nodiscard]] got book(const std::string& show, const std::string& customer,
                         const json& seats) const {
    return send("POST", "/shows/" + show + "/bookings", {{"customer", customer}, {"seats", seats}});
  }

  const nexus::test::temporary_folder folder;
  std::optional<process> server;
  int port = 0;
};

TEST_F(SeatsServe, AClientBooksAndSeesWhatItHasBooked) {
  start();
  EXPECT_EQ(
      send("PUT", "/shows/hamlet", {{"title", "Hamlet"}, {"seats", 10}, {"cents", 2500}}).status,
      204);
  const auto booked = book("hamlet", "ann", {1, 2});
  EXPECT_EQ(booked.status, 201);
  EXPECT_EQ(booked.body["cents"], 5000);
  EXPECT_EQ(send("GET", "/shows").body, json::parse(R"({"shows": [
      {"show": "hamlet", "title": "Hamlet", "seats": 10, "sold": 2, "cents": 5000}]})"));
  EXPECT_EQ(send("GET", "/shows/hamlet").body["taken"], json({1, 2}));
  const auto of_ann = send("GET", "/bookings?customer=ann");
  EXPECT_EQ(of_ann.body, (json{{"bookings",
                                {{{"booking", booked.body["booking"]},
                                  {"show", "hamlet"},
                                  {"title", "Hamlet"},
                                  {"seats", 2},
                                  {"cents", 5000}}}}}));
  const auto path = "/shows/hamlet/bookings/" + booked.body["booking"].get<std::string>();
  EXPECT_EQ(send("DELETE", path).status, 204);
  EXPECT_EQ(send("GET", "/bookings?customer=ann").body, json::parse(R"({"bookings": []})"));
  EXPECT_EQ(send("GET", "/shows").body["shows"][0]["cents"], 0);
}

TEST_F(SeatsServe, PagesFollowEachOther) {
  start();
  (void)send("PUT", "/shows/hamlet", {{"title", "Hamlet"}, {"seats", 25}, {"cents", 1}});
  std::vector<json> ids;
  for (int seat = 1; seat <= 25; ++seat) {
    ids.push_back(book("hamlet", "ann", {seat}).body["booking"]);
  }
  std::vector<json> seen;
  std::string path = "/bookings?customer=ann";
  int pages = 0;
  for (std::string next = path; !next.empty() && pages < 10; ++pages) {
    const auto page = send("GET", next).body;
    for (const auto& one : page["bookings"]) seen.push_back(one["booking"]);
    next = page.contains("next") ? path + "&after=" + page["next"].get<std::string>() : "";
  }
  std::sort(ids.begin(), ids.end());  // ids of one millisecond are in no order
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, ids);
}

TEST_F(SeatsServe, AnInvalidRequestIsExplained) {
  start();
  (void)send("PUT", "/shows/hamlet", {{"title", "Hamlet"}, {"seats", 10}, {"cents", 2500}});
  struct {
    got answer;
    int status;
    std::string detail;
  } const rows[] = {
      {send("GET", "/shows/macbeth"), 404, "there is no show \"macbeth\""},
      {book("macbeth", "ann", {1}), 409, "there is no such show"},
      {book("hamlet", "ann", {11}), 409, "there is no seat 11"},
      {send("POST", "/shows/hamlet/bookings", {{"customer", "ann"}}), 400, "seats"},
      {send("GET", "/bookings"), 400, "customer: is missing"},
      {send("GET", "/bookings?customer=ann&limit=0"), 400,
       "limit: \"0\" is not a number from 1 to 100"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.answer.status, row.status) << row.answer.body;
    EXPECT_NE(row.answer.body.value("detail", "").find(row.detail), std::string::npos)
        << row.answer.body;
  }
}

TEST_F(SeatsServe, ThePageIsThere) {
  start();
  nexus::test::http_client client{static_cast<std::uint16_t>(port), patience};
  const auto page = client.get("/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(page->body.rfind("<!doctype html>", 0), 0u);
  EXPECT_NE(page->body.find("</html>"), std::string::npos);
}

TEST_F(SeatsServe, KeepsWhatItAcknowledgedWhenItIsKilledOrToldToRebuild) {
  start();
  (void)send("PUT", "/shows/hamlet", {{"title", "Hamlet"}, {"seats", 1000}, {"cents", 1}});
  int seat = 0;
  const int kills = times(3, 100);
  for (int i = 0; i < kills; ++i) {
    for (int n = 0; n < 10; ++n) ASSERT_EQ(book("hamlet", "ann", {++seat}).status, 201);
    ASSERT_TRUE(server->kill());
    server->wait();
    start(i % 2 == 0 ? command_line{} : command_line{"--rebuild"});
    EXPECT_EQ(send("GET", "/shows").body["shows"][0]["sold"], seat);
    const auto page = send("GET", "/bookings?customer=ann&limit=100");
    EXPECT_EQ(page.body["bookings"].size(), static_cast<std::size_t>(std::min(seat, 100)));
  }
  ASSERT_TRUE(server->signal(SIGTERM));
  EXPECT_EQ(server->wait(), 0) << server->err();
}

TEST_F(SeatsServe, AHoldEndsByItselfAlsoIfTheProgramWasKilledMeanwhile) {
  start();
  (void)send("PUT", "/shows/hamlet", {{"title", "Hamlet"}, {"seats", 10}, {"cents", 2500}});
  const auto hold = [&](const json& seats, int seconds) {
    return send("POST", "/shows/hamlet/holds",
                {{"customer", "bob"}, {"seats", seats}, {"seconds", seconds}});
  };
  const auto kept = hold({1, 2}, 600);
  ASSERT_EQ(kept.status, 201) << kept.body;
  ASSERT_EQ(hold({3}, 1).status, 201);
  EXPECT_EQ(book("hamlet", "ann", {1}).status, 409);
  ASSERT_TRUE(server->kill());
  server->wait();
  start();  // and no one asks for the show until the rows of the journal say that it was woken
  const auto events = [&] {
    const auto store = nexus::open("sqlite:" + folder.path("seats.db"));
    return store->sessions().with(
        [](nexus::journal_session& s) { return s.count({.event_type = "released"}); });
  };
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (events() == 0u && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  EXPECT_EQ(events(), 1u);
  EXPECT_EQ(book("hamlet", "ann", {3}).status, 201) << "it is free again";
  const auto paid =
      send("PUT", "/shows/hamlet/bookings/" + kept.body["booking"].get<std::string>());
  EXPECT_EQ(paid.status, 200) << paid.body;
  EXPECT_EQ(paid.body["cents"], 5000);
}

TEST_F(SeatsServe, AProgramThatCannotStartExplainsItInOneLine) {
  for (const auto& [arguments, says] :
       {std::pair<command_line, std::string>{{"--journal", "oracle:x"}, "oracle"},
        {{"--journal", "memory:", "--port", "0"}, "memory:"},
        {{"--address", "nowhere", "--port", "0"}, "nowhere"},
        {{"--colour"}, "--colour (see seats --help)"}}) {
    auto line = arguments;
    line.insert(line.begin(), SEATS_PROGRAM);
    const auto f = run(line, folder.path());
    EXPECT_EQ(f.code, 1);
    EXPECT_EQ(f.err.rfind("seats: ", 0), 0u) << f.err;
    EXPECT_NE(f.err.find(says), std::string::npos) << f.err;
    EXPECT_EQ(f.err.find('\n'), f.err.size() - 1) << f.err;
  }
}

}}  // namespace samples
