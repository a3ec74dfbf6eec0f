// Rows that are not what they should be: named, never returned, never repaired.
#include "fixture.hpp"

namespace nexus::test { namespace {

struct priced {
  static constexpr std::string_view type_name = "priced";
  static constexpr std::uint32_t schema_version = 2;
  std::string id;
  std::int64_t cents = 0;
  MSGPACK_DEFINE_MAP(id, cents)

  static void upcast(from_version<1>, document& d) { d.rename("price", "cents"); }
};

struct priced_before {
  std::string id;
  std::int64_t price = 0;
  MSGPACK_DEFINE_MAP(id, price)
};

class Rows : public ReadModels {
 protected:
  /// The error of every way to read, and that the row is as it was.
  template <class Model>
  std::string error_of(const repository<Model>& in, const document_view& row,
                       const criteria& matching) {
    put_row(in.name(), row);
    const auto found = in.find(row.id);
    EXPECT_EQ(message_of(in.find_all()), message_of(found));
    EXPECT_EQ(message_of(in.find_by(matching)), message_of(found));
    EXPECT_EQ(message_of(in.find_by({{"id", {std::string{row.id}}}})), message_of(found));
    EXPECT_EQ(message_of(in.reindex()), message_of(found));
    const auto session = must(store.open_session());
    EXPECT_EQ(must(session->documents()->get(in.name(), row.id))->view(), row);
    return code_of(found) + ": " + message_of(found);
  }

  [[nodiscard]] std::string table() const {
    return must(store.open_session())->documents()->table();
  }

  const repository<order> orders = models.of<order>("orders");
  const criteria of_anna{{"customer", "anna"}};
};

TEST_P(Rows, OfAnotherIdInside) {
  const auto data = encode(order{"8", "anna", 1, {}});
  EXPECT_EQ(error_of(orders, {.id = "7", .type = "order", .data = data}, of_anna),
            "corrupt: " + table() +
                ": \"orders\" with id \"7\": expected the id \"7\" inside, found \"8\"");
}

TEST_P(Rows, OfAnotherTypeAreNamedBeforeTheirBytesAreRead) {
  EXPECT_EQ(error_of(orders, {.id = "7", .type = "invoice", .data = "\xc1"}, of_anna),
            "unknown_type: " + table() +
                ": \"orders\" with id \"7\": expected type \"order\", found \"invoice\"");
}

TEST_P(Rows, ThatDoNotDecode) {
  const auto begin =
      "corrupt: " + table() + ": \"orders\" with id \"7\": expected a \"order\" of version 1: ";
  EXPECT_EQ(error_of(orders, {.id = "7", .type = "order", .data = "\x81"}, of_anna),
            begin + "1 bytes of msgpack: cut short");
  const auto lacking = encode(priced_before{"7", 1});
  EXPECT_EQ(
      error_of(orders, {.id = "7", .type = "order", .data = lacking}, of_anna),
      begin + std::to_string(lacking.size()) + " bytes of msgpack: field \"customer\" is missing");
}

TEST_P(Rows, OfAnUnknownCodecOrVersion) {
  const auto data = encode(order{"7", "anna", 1, {}});
  const auto begin = table() + ": \"orders\" with id \"7\": expected a \"order\" of version 1: ";
  EXPECT_EQ(error_of(orders, {.id = "7", .type = "order", .codec = "json", .data = data}, of_anna),
            "unknown_type: " + begin + "is stored in codec \"json\", but only msgpack is known");
  EXPECT_EQ(
      error_of(orders, {.id = "7", .type = "order", .schema_version = 2, .data = data}, of_anna),
      "unsupported_version: " + begin + "the known version is 1");
}

TEST_P(Rows, OfAnOlderVersionAreUpcast) {
  const auto before = encode(priced_before{"7", 250});
  put_row("prices", {.id = "7", .type = "priced", .schema_version = 1, .data = before});
  const auto prices = models.of<priced>("prices");
  EXPECT_EQ(must(prices.find("7"))->cents, 250);
  EXPECT_EQ(ids_of(prices.find_by({{"cents", 250}})), texts{"7"});
  must(prices.save(*must(prices.find("7"))));
  const auto session = must(store.open_session());
  EXPECT_EQ(must(session->documents()->get("prices", "7"))->schema_version, 2u);
}

TEST_P(Rows, ASaveReplacesARowThatCannotBeRead) {
  put_row("orders", {.id = "7", .type = "order", .data = "\x81"});
  must(orders.save({"7", "anna", 1, {}}));
  EXPECT_EQ(ids_of(orders.find_all()), texts{"7"});
}

TEST_P(Rows, GoodRowsAreFoundBesideBadOnes) {
  put_row("orders", {.id = "7", .type = "order", .data = "\x81"});
  must(orders.save({"8", "anna", 1, {}}));
  EXPECT_TRUE(must(orders.find("8")));
  EXPECT_EQ(code_of(orders.find_by({{"id", {"8", "7"}}})), "corrupt");
  EXPECT_TRUE(must(orders.remove("7")));
  EXPECT_EQ(ids_of(orders.find_all()), texts{"8"});
}

NEXUS_FOR_EVERY_STORE(Rows);

}  // namespace
}  // namespace nexus::test
