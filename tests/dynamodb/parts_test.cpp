// The parts without a server: addresses, packed bytes, and what an answer of BatchGetItem may be.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "address.hpp"
#include "core.hpp"
#include "documents.hpp"
#include "fake_server.hpp"
#include "packing.hpp"
#include "tags.hpp"
#include "values.hpp"

namespace {

using namespace nexus::dynamodb;
using nexus::event_view;
using nexus::timestamp;
using nexus::test::with_environment;
using std::chrono::microseconds;

struct DynamoAddress : ::testing::Test {
  with_environment region{"AWS_REGION", nullptr};
  with_environment default_region{"AWS_DEFAULT_REGION", nullptr};

  static nexus::result<address> of(const std::string& text) {
    return address::from(nexus::uri::parse(text).value());
  }
  static std::string refusal(const std::string& text) {
    const auto made = of(text);
    return made ? "" : made.error().message;
  }
};

TEST_F(DynamoAddress, NamesTheServerAndTheTables) {
  const auto here = of("dynamodb://127.0.0.1:8000/bank").value();
  EXPECT_EQ(here.url, "http://127.0.0.1:8000");
  EXPECT_EQ(here.region, "us-east-1");
  EXPECT_EQ(here.journal_table(), "bank_journal");
  EXPECT_EQ(here.read_models, "bank_read_models");
  EXPECT_EQ(here.name(), "dynamodb://127.0.0.1:8000/bank");
  EXPECT_FALSE(here.strands);

  const auto aws = of("dynamodb://aws/bank?region=eu-central-1&strands=8&read_models=rows").value();
  EXPECT_EQ(aws.url, "https://dynamodb.eu-central-1.amazonaws.com");
  EXPECT_EQ(aws.host, "dynamodb.eu-central-1.amazonaws.com");
  EXPECT_EQ(aws.strands, 8u);
  EXPECT_EQ(aws.read_models, "rows");
  EXPECT_TRUE(aws.on_aws);

  const auto safe = of("dynamodb://db.example/bank?tls=on&actions=25&timeout=5s").value();
  EXPECT_EQ(safe.url, "https://db.example");
  EXPECT_EQ(safe.actions, 25u);
  EXPECT_EQ(safe.timeout, std::chrono::seconds{5});
  EXPECT_FALSE(safe.indexes);

  const auto full =
      of("dynamodb://db.example/bank?tls=on&ca=/etc/ca.pem&indexes=states,tag").value();
  EXPECT_EQ(full.ca, "/etc/ca.pem");
  EXPECT_EQ(full.indexes.value().to_string(), "tag,states");
  EXPECT_EQ(of("dynamodb://db.example/bank?indexes=none").value().indexes, chosen_indexes{});
}

TEST_F(DynamoAddress, TakesTheRegionOfTheEnvironment) {
  const with_environment mine{"AWS_REGION", "eu-west-1"};
  EXPECT_EQ(of("dynamodb://aws/bank").value().region, "eu-west-1");
  EXPECT_EQ(of("dynamodb://aws/bank?region=us-west-2").value().region, "us-west-2");
}

TEST_F(DynamoAddress, NamesWhatIsWrong) {
  for (const auto& [text, part] : std::initializer_list<std::pair<const char*, const char*>>{
           {"dynamodb:bank", "expected dynamodb://"},
           {"dynamodb://127.0.0.1:8000", "expected dynamodb://"},
           {"dynamodb:///bank", "no host"},
           {"dynamodb://a b/bank", "no host"},
           {"dynamodb://host:0/bank", "no host"},
           {"dynamodb://host:70000/bank", "no host"},
           {"dynamodb://host/", "the prefix"},
           {"dynamodb://host/a/b", "the prefix"},
           {"dynamodb://aws/bank", "no region"},
           {"dynamodb://host/bank?region=a b", "no region"},
           {"dynamodb://host/bank?tls=maybe", "tls is \"maybe\""},
           {"dynamodb://host/bank?strands=0", "strands is \"0\""},
           {"dynamodb://host/bank?strands=33", "strands is \"33\""},
           {"dynamodb://host/bank?strands=2048", "strands is \"2048\""},
           {"dynamodb://host/bank?actions=9", "actions is \"9\""},
           {"dynamodb://host/bank?actions=101", "actions is \"101\""},
           {"dynamodb://host/bank?timeout=5", "timeout is \"5\""},
           {"dynamodb://host/bank?timeout=1ms", "timeout is \"1ms\""},
           {"dynamodb://host/bank?indexes=tag,type", "indexes is \"tag,type\""},
           {"dynamodb://host/bank?ca=/etc/ca.pem", "tls is off"},
           {"dynamodb://host/bank?read_models=a/b", "\"a/b\""},
           {"dynamodb://host/bank?read_models=bank_journal", "\"bank_journal\""},
           {"dynamodb://host/bank?colour=red", "colour"}}) {
    EXPECT_NE(refusal(text).find(part), std::string::npos) << text << ": " << refusal(text);
  }
}

TEST(DynamoValues, Base64IsReadBack) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes) << i;
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(to_base64("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
  EXPECT_FALSE(from_base64("a-b_"));
}

TEST(DynamoValues, PlacesStandInTheOrderOfNumbersAndTimes) {
  EXPECT_LT(in_order(std::uint64_t{9}), in_order(std::uint64_t{10}));
  EXPECT_LT(in_order(nexus::sequence_nr_max), in_order(std::uint64_t{nexus::sequence_nr_max} + 1));
  EXPECT_LT(in_order(timestamp::min()), in_order(timestamp{microseconds{-1}}));
  EXPECT_LT(in_order(timestamp{microseconds{-1}}), in_order(timestamp{}));
  EXPECT_LT(in_order(timestamp{}), in_order(timestamp::max()));
}

std::vector<event_view> three_events() {
  static const std::array<std::string_view, 2> tags{"red", "blue"};
  return {{.type = "a", .data = "one", .metadata = {}},
          {.type = "b",
           .schema_version = 7,
           .codec = "json",
           .data = {"\0\xff", 2},
           .metadata = "m",
           .time = timestamp{microseconds{-5}},
           .tags = tags},
          {.type = "c", .data = {}, .metadata = {}}};
}

TEST(DynamoPacking, EventsComeBackEqual) {
  const auto events = three_events();
  const auto items = pack(events, 5, 1'000).value();
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].first, 5u);
  EXPECT_EQ(items[0].count, 3u);
  event_reader read{items[0].bytes};
  for (const auto& sent : events) {
    const auto got = read.next();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->type, sent.type);
    EXPECT_EQ(got->schema_version, sent.schema_version);
    EXPECT_EQ(got->codec, sent.codec);
    EXPECT_EQ(got->data, sent.data);
    EXPECT_EQ(got->metadata, sent.metadata);
    EXPECT_EQ(got->time, sent.time);
    EXPECT_TRUE(std::ranges::equal(got->tags, nexus::sorted_tags(sent.tags)));
  }
  EXPECT_TRUE(read.at_end());
}

TEST(DynamoPacking, FillsAsManyItemsAsAreNeeded) {
  const std::string data(100, 'x');
  const std::vector<event_view> events(10, {.type = "t", .data = data, .metadata = {}});
  const auto items = pack(events, 1, 300).value();
  EXPECT_EQ(items.size(), 5u);
  nexus::sequence_nr next = 1;
  for (const auto& one : items) {
    EXPECT_LE(one.bytes.size(), 300u);
    EXPECT_EQ(one.first, next);
    next += one.count;
  }
  EXPECT_EQ(next, 11u);
  EXPECT_FALSE(pack(events, 1, 100)) << "an event is never split";
}

TEST(DynamoPacking, ADamagedEventLeavesTheOthersReadable) {
  auto bytes = pack(three_events(), 1, 1'000).value()[0].bytes;
  event_reader first{bytes};
  first.skip();
  const auto second = bytes.size() - first.rest().size();
  bytes[second + 1] = '\xff';  // behind its length
  event_reader read{bytes};
  EXPECT_EQ(read.next().value().data, "one");
  EXPECT_FALSE(read.next());
  EXPECT_EQ(read.next().value().type, "c");
}

TEST(DynamoPacking, ArbitraryBytesNeverCrash) {
  std::minstd_rand random{7};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (auto& c : bytes) c = static_cast<char>(random() % (round % 2 == 0 ? 256 : 8));
    event_reader events{bytes};
    while (!events.at_end()) (void)events.next();
    (void)unpack_entries(bytes);
    (void)unpack_value(bytes);
  }
}

TEST(DynamoPacking, AValueAndATombstoneComeBack) {
  nexus::ulid writer;
  writer.bytes.fill(9);
  const nexus::state_view value{"balance", 3, "json", "data"};
  const timestamp time{microseconds{11}};
  const auto got = unpack_value(pack_value(&value, writer, time)).value();
  EXPECT_FALSE(got.erased);
  EXPECT_EQ(got.type + got.codec + got.data, "balancejsondata");
  EXPECT_EQ(got.schema_version, 3u);
  EXPECT_EQ(got.writer, writer);
  EXPECT_EQ(got.time, time);
  EXPECT_TRUE(unpack_value(pack_value(nullptr, writer, time)).value().erased);
}

TEST(DynamoLimits, OfARequestFitATransaction) {
  for (const std::size_t actions : {std::size_t{10}, std::size_t{100}}) {
    const core of{{}, nullptr, 32, 1, actions, {.tag = true, .states = true}};
    const auto limits = of.limits();
    // The worst case: neighbours that just do not fit one item.
    const std::string half(packed_bytes_max / 2 + 1, 'x');
    const auto count = limits.request_bytes_max / half.size();
    const std::vector<event_view> events(count, {.type = "t", .data = half, .metadata = {}});
    const auto items = pack(events, 1, packed_bytes_max).value();
    EXPECT_LE(items.size(), of.items_max()) << actions;
    std::size_t bytes = 0;
    for (const auto& one : items) bytes += one.bytes.size() + item_overhead;
    EXPECT_LE(bytes, transaction_bytes_max) << actions;
  }
}

TEST(DynamoTags, OfARequestAreListedWithTheItemsThatHaveThem) {
  const std::array<std::string_view, 2> both{"red", "blue"};
  const std::vector<event_view> events{{.type = "t", .data = "a", .metadata = {}, .tags = both},
                                       {.type = "t", .data = "b", .metadata = {}},
                                       {.type = "t", .data = "c", .metadata = {}, .tags = both}};
  const auto items = pack(events, 7, 30).value();
  ASSERT_EQ(items.size(), 3u);
  const auto shown = [&](std::size_t tags_max) {
    std::string text;
    for (const auto& one : tagged_items(events, 7, items, tags_max)) {
      text += fmt::format("{}@{}+{} ", one.tag, one.first, one.count);
    }
    return text;
  };
  EXPECT_EQ(shown(2), "blue@7+1 red@7+1 blue@9+1 red@9+1 ");
  EXPECT_EQ(shown(1), "@7+1 @9+1 ") << "too many: of the empty tag";
}

TEST(DynamoTags, PlacesAreReadBackUnlessTheyAreDamaged) {
  std::string bytes;
  pack_place(bytes, "account|ann", 7, 2, 3);
  pack_place(bytes, "account|bob", 1, 1, 5);
  const auto places = unpack_places(bytes).value();
  ASSERT_EQ(places.size(), 2u);
  EXPECT_EQ(places[0].entry.id, "account|ann");
  EXPECT_EQ(places[1].i, 5u);
  EXPECT_FALSE(unpack_places(bytes.substr(0, bytes.size() - 1)));
  std::string tags;
  put_text(tags, "red");
  EXPECT_TRUE(has_tag(tags, "red"));
  EXPECT_FALSE(has_tag(tags, "blue"));
  put_text(tags, "");
  EXPECT_FALSE(has_tag(tags, "blue"));
  EXPECT_TRUE(has_tag(tags, "")) << "blue may be among the many";
}

struct DynamoBatchAnswer : ::testing::Test {
  static std::string refusal(const std::string& text) {
    const std::array<std::string_view, 3> asked{"a", "b", "c"};
    const auto made = checked_answer(json::parse(text), "rows", "orders", asked);
    return made ? "" : made.error().message;
  }
  static std::string key(const std::string& id, const std::string& name = "orders") {
    return R"({"Name":{"S":")" + name + R"("},"Id":{"S":")" + id + R"("}})";
  }
  static std::string answer(const std::string& items, const std::string& left = {},
                            const std::string& table = "rows") {
    return R"({"Responses":{")" + table + R"(":[)" + items + R"(]},"UnprocessedKeys":{)" +
           (left.empty() ? "" : R"("rows":{"Keys":[)" + left + "]}") + "}}";
  }
};

TEST_F(DynamoBatchAnswer, IsTakenApart) {
  const std::array<std::string_view, 3> asked{"a", "b", "c"};
  const auto got =
      checked_answer(json::parse(answer(key("b"), key("a"))), "rows", "orders", asked).value();
  EXPECT_EQ(got.items.size(), 1u);
  EXPECT_EQ(got.left, std::vector<std::string>{"a"});
}

TEST_F(DynamoBatchAnswer, IsRefusedWithWhatWasNotAskedFor) {
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
           {answer(key("a"), {}, "other"), "foreign table"},
           {answer(key("x")), "not asked for"},
           {answer(key("")), "not asked for"},
           {answer(key("a", "others")), "not asked for"},
           {answer(key("a") + "," + key("a")), "twice"},
           {answer(key("a"), key("a")), "answered"},
           {answer("", key("x")), "not asked for"},
           {answer("", key("b") + "," + key("b")), "twice"},
           {answer("", R"({"Id":{"S":"a"}})"), "malformed"},
           {answer("", "7"), "malformed"},
           {R"({"UnprocessedKeys":{"rows":{"Keys":7}}})", "malformed"},
           {R"({"UnprocessedKeys":{"other":{"Keys":[]}}})", "foreign table"},
           {R"({"Responses":{"rows":7}})", "no list"}}) {
    EXPECT_NE(refusal(text).find(part), std::string::npos) << text << ": " << refusal(text);
  }
}

}  // namespace
