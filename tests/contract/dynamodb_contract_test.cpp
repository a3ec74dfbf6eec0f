// On DynamoDB Local, through a proxy that loses requests and answers.
#include <array>
#include <nexus/dynamodb.hpp>
#include <nexus/testkit/contract/fixture.hpp>

#include "local_server.hpp"
#include "lossy_proxy.hpp"
#include "packing.hpp"
#include "table.hpp"
#include "tables.hpp"

namespace {

using namespace nexus::dynamodb;
using nexus::test::local_server;
using nexus::test::lossy_proxy;

lossy_proxy& network() {
  static lossy_proxy made{local_server::shared().port()};
  return made;
}

/// Four strands, since a list of ids is read from all of them.
std::string fresh_with(const std::string& indexes) {
  const auto direct =
      local_server::shared().fresh_journal("strands=4&timeout=20s&indexes=" + indexes);
  const auto slash = direct.find('/', std::string{"dynamodb://"}.size());
  return "dynamodb://127.0.0.1:" + std::to_string(network().port()) + direct.substr(slash);
}
std::string fresh_journal() { return fresh_with("none"); }

/// A client of the server itself.
client& server() {
  static client made{[] {
    auto to = std::make_shared<endpoint>();
    to->host = "127.0.0.1:" + std::to_string(local_server::shared().port());
    to->url = "http://" + to->host;
    to->region = "us-east-1";
    return to;
  }()};
  return made;
}

json must(answer got) {
  if (!got) throw std::runtime_error{error_of(got.error(), "the test's own request").message};
  return *std::move(got);
}

std::string table_of(const std::string& uri) {
  return address::from(nexus::uri::parse(uri).value()).value().journal_table();
}

void remove_journal(const std::string& uri) {
  const auto where = address::from(nexus::uri::parse(uri).value()).value();
  for (const auto& name : {where.journal_table(), where.read_models}) {
    json which;
    which["TableName"] = name;
    (void)server().call("DeleteTable", which);  // not every test has made both
  }
}

void lose_next_answer(nexus::journal_session&) {
  using how = lossy_proxy::how;
  constexpr std::array each{how::request, how::answer, how::late};
  static std::size_t turn = 0;
  network().lose_next(each[turn++ % each.size()]);
}

// The bytes of one event within its item.
void damage(const std::string& uri, const nexus::persistence_id& id, nexus::sequence_nr number) {
  table in{server(), table_of(uri)};
  auto found = in.items({.p = of_id(id),
                         .from = events_from(0),
                         .to = events_from(number),
                         .ascending = false,
                         .limit = 1});
  auto item = found.value().items.at(0);
  const auto first = std::stoull(text_in(item, "s").value().substr(1));
  auto bytes = bytes_in(item, "d").value();
  event_reader events{bytes};
  for (auto n = first; n < number; ++n) events.skip();
  const auto from = bytes.size() - events.rest().size() + 1;  // behind its length
  events.skip();
  for (auto i = from; i < bytes.size() - events.rest().size(); ++i) bytes[i] = '\xff';
  item["d"] = bytes_value(bytes);
  if (!in.write(in.put(std::move(item)))) throw std::runtime_error{"nothing was damaged"};
}

std::vector<std::string> foreign_places() {
  const auto other_keys = fresh_journal();
  auto shape = journal_table(table_of(other_keys));
  shape["KeySchema"].erase(1);
  shape["AttributeDefinitions"].erase(1);
  must(server().call("CreateTable", shape));
  const auto alike = fresh_journal();
  must(server().call("CreateTable", journal_table(table_of(alike))));
  table in{server(), table_of(alike)};
  if (!in.write(in.put(key_of({"some", "thing"})))) throw std::runtime_error{"no foreign item"};
  return {other_keys, alike};
}

void make_newer(const std::string& uri) {
  table in{server(), table_of(uri)};
  auto item = in.item({"meta", std::string{head_place}}).value();
  item["version"] = number_value(99);
  if (!in.write(in.put(std::move(item)))) throw std::runtime_error{"no newer version"};
}

nexus::testkit::journal_under_test with(std::string name, const std::string& indexes) {
  return {.name = std::move(name),
          .backend = nexus::dynamodb_backend(),
          .fresh = [indexes] { return fresh_with(indexes); },
          .remove = remove_journal,
          .lose_next_answer = lose_next_answer,
          .let_arrive = [] { network().release(); },
          .fail_commits = [](const std::string&, bool fail) { network().fail_writes(fail); },
          .damage = damage,
          .foreign = foreign_places,
          .make_newer = make_newer};
}

}  // namespace

using nexus::testkit::JournalContract;

INSTANTIATE_TEST_SUITE_P(DynamoDb, JournalContract,
                         ::testing::Values(with("dynamodb", "none"),
                                           with("dynamodb_indexed", "tag,states")));
