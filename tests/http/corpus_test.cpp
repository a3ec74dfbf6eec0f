// Where requests begin and end: the corpus against a real server, sent whole and byte by byte. Each
// case is followed by another request, which is served if and only if the case is valid.
#include "corpus.hpp"

#include "raw_socket.hpp"
#include "web_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct Corpus : Web {
  void serve() {
    auto ok = [](const http::request& r) { return http::response::text(r.body); };
    make().get("/ok", ok);
    web->post("/ok", ok);
    web->post("/next", [this] {
      ++served;
      return http::response::text("next");
    });
    start();
  }

  static std::vector<int> statuses_in(const std::string& text) {
    std::vector<int> found;
    const std::string_view begin = "HTTP/1.1 ";
    for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
      found.push_back(std::stoi(text.substr(at + begin.size(), 3)));
    }
    return found;
  }

  template <class Send>
  void try_all(Send send) {
    serve();
    const std::string next = "POST /next HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    for (const auto& one : corpus{}.all) {
      const int before = served;
      raw_socket s{web->port()};
      send(s, one.bytes + next);
      s.ends();
      const auto got = s.receive();
      const bool goes_on = one.next == next_one::is_served;
      const auto expected = goes_on ? std::vector{one.status, 200} : std::vector{one.status};
      EXPECT_EQ(statuses_in(got), expected) << one.name << '\n' << got;
      EXPECT_EQ(served - before, goes_on ? 1 : 0) << one.name;
      EXPECT_TRUE(s.closed()) << one.name;
    }
  }

  std::atomic<int> served{0};
};

TEST(CorpusItself, HasEnoughCasesEachOfItsName) {
  std::set<std::string> names;
  for (const auto& one : corpus{}.all) EXPECT_TRUE(names.insert(one.name).second) << one.name;
  EXPECT_GE(names.size(), 200U);
}

TEST_F(Corpus, SentWhole) {
  try_all([](raw_socket& s, const std::string& text) { s.send(text); });
}

TEST_F(Corpus, SentByteByByte) {
  try_all([](raw_socket& s, const std::string& text) { s.send_bytewise(text); });
}

// The report: a blank before the colon hid a length, and with it a transfer.
TEST_F(Corpus, ABodyIsNoSecondRequest) {
  serve();
  const std::string hidden = "POST /next HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
  raw_socket s{web->port()};
  EXPECT_EQ(s.status_of_last("GET /ok HTTP/1.1\r\nHost: x\r\nContent-Length : " +
                             std::to_string(hidden.size()) + "\r\n\r\n" + hidden),
            400);
  EXPECT_EQ(served, 0);
}

TEST_F(Corpus, AMalformedHeadIsRefusedBeforeItsEnd) {
  serve();
  for (const auto* begin : {"GET /ok HTTP/1.1\n", "GET /ok HTTP/1.1\r\n ",
                            "GET /ok HTTP/1.1\r\nA : b\r\n", "\x16\x03"}) {
    raw_socket s{web->port()};
    s.send(begin);
    if (std::string_view{begin}.ends_with(' ')) s.send("A: b\r\n");
    EXPECT_TRUE(s.receive().starts_with("HTTP/1.1 400 ")) << begin;
  }
}

TEST_F(Corpus, ValuesArriveAsTheyWereSent) {
  make().get("/echo", [](const http::request& r) {
    std::string all;
    for (const auto& [name, value] : r.headers) all += name + "=" + value + ";";
    return http::response::text(all);
  });
  start();
  raw_socket s{web->port()};
  s.send("GET /echo HTTP/1.1\r\nHost: x\r\nA: %41+%zz\r\na:  b\tc \r\nContent-length: %33\r\n\r\n");
  EXPECT_TRUE(s.receive().starts_with("HTTP/1.1 400 "));
  raw_socket t{web->port()};
  t.send(
      "GET /echo HTTP/1.1\r\nHost: x\r\nA: %41+%zz\r\na:  b\tc \r\nB:\r\nConnection: "
      "close\r\n\r\n");
  EXPECT_TRUE(t.receive().ends_with("\r\n\r\nHost=x;A=%41+%zz;a=b\tc;B=;Connection=close;"));
}

}  // namespace
