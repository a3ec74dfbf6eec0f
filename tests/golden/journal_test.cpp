// SQLite journals of older versions are read, recovered from and continued.
#include <gtest/gtest.h>

#include <filesystem>

#include "golden_types.hpp"
#include "temporary_folder.hpp"

using namespace nexus;
using namespace nexus::golden;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const fs::path kept = GOLDEN_FILES "/journal.sqlite";
const fs::path second = GOLDEN_FILES "/journal_v2.sqlite";

ulid id_of(std::uint8_t last) {
  ulid made;
  made.bytes[0] = 1;
  made.bytes[15] = last;
  return made;
}

struct GoldenJournal : testing::TestWithParam<fs::path> {
  nexus::test::temporary_folder dir;

  void SetUp() override {
    if (!fs::exists(kept) && writing()) write(kept);
    ASSERT_TRUE(fs::exists(kept)) << "see README.md";
    fs::copy_file(GetParam(), dir.path("j.db"));
  }

  [[nodiscard]] store open() const {
    auto opened = nexus::open("sqlite:" + dir.path("j.db") + "?tables=migrate");
    if (!opened) throw std::runtime_error{opened.error().message};
    return *opened;
  }

  template <class C>
  static auto ask(const entities<basket>& all, std::string_view id, C command,
                  call_header header = {}) {
    auto answer = all.of(id).ask(std::move(command), std::move(header)).get(10s);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer.value_or(basket::state{});
  }

  // Three baskets: "plain" has events alone, "kept" a snapshot and events, "erased" a snapshot, no
  // events before it, and one after.
  static void write(const fs::path& to) {
    auto journal = nexus::open("sqlite:" + to.string()).value();
    {
      nexus::system sys;
      entities<basket> all{sys, journal, {.snapshot_every = 5}};
      const call_header header{id_of(1), id_of(2), id_of(3),
                               "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};
      ask(all, "plain", basket::put{{{"tea", 250}, {"Größe", -1}}, "gift"}, header);
      ask(all, "plain", basket::check_out{}, {id_of(4), {}, {}, {}});
      for (auto id : {"kept", "erased"}) {
        for (std::int64_t i = 1; i <= 6; ++i) ask(all, id, basket::put{{{"n", i}}, {}});
      }
    }
    auto erased = persistence_id::make("basket", "erased").value();
    auto done = journal.open_session().value()->erase_to(erased, 5);
    EXPECT_TRUE(done);
  }
};

}  // namespace

TEST_P(GoldenJournal, EntitiesRecoverAndGoOn) {
  nexus::system sys;
  auto journal = open();
  entities<basket> all{sys, journal};
  EXPECT_EQ(ask(all, "plain", basket::show{}), (basket::state{{}, {{"gift", 2}}, 249}));
  for (auto id : {"kept", "erased"}) {
    const auto state = ask(all, id, basket::check_out{});
    EXPECT_EQ(state, (basket::state{{}, {}, 21})) << id;
  }
  EXPECT_EQ(ask(all, "new", basket::put{{{"tea", 1}}, {}}).lines.size(), 1u);
}

TEST_P(GoldenJournal, RecordsAreAsTheyWereWritten) {
  std::string events;
  std::vector<std::string> metadata;
  auto session = open().open_session().value();
  auto read = session->replay(
      *persistence_id::make("basket", "plain"), 1, sequence_nr_max, 100, [&](const record_view& r) {
        events += std::string{r.event.type} + "/" + std::to_string(r.event.schema_version) + "/" +
                  std::string{r.event.codec} + " ";
        metadata.emplace_back(r.event.metadata);
        EXPECT_FALSE(r.writer.empty());
        EXPECT_GT(r.event.time, timestamp{});
        EXPECT_TRUE(decode_event<basket>(r.event));
        return true;
      });
  ASSERT_TRUE(read);
  EXPECT_EQ(events, "filled/1/msgpack filled/1/msgpack checked-out/2/msgpack emptied/1/msgpack ");
  using id_bytes = std::array<std::uint8_t, 16>;
  ASSERT_EQ(metadata.size(), 4u);
  auto full = document::parse(metadata[1]).value();
  EXPECT_EQ(full.get<id_bytes>("command_id"), id_of(1).bytes);
  EXPECT_EQ(full.get<id_bytes>("correlation_id"), id_of(2).bytes);
  EXPECT_EQ(full.get<id_bytes>("causation_id"), id_of(3).bytes);
  EXPECT_EQ(full.get<std::string>("traceparent"),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(document::parse(metadata[3])->get<id_bytes>("command_id"), id_of(4).bytes);
}

TEST_P(GoldenJournal, ErasedEventsStayErasedAndTheirNumbersTaken) {
  auto session = open().open_session().value();
  const auto id = *persistence_id::make("basket", "erased");
  EXPECT_EQ(session->highest(id), 6u);
  std::vector<sequence_nr> found;
  ASSERT_TRUE(session->replay(id, 1, sequence_nr_max, 100, [&](const record_view& r) {
    found.push_back(r.number);
    return true;
  }));
  EXPECT_EQ(found, (std::vector<sequence_nr>{6}));
  auto snapshot = session->load_snapshot(id, {});
  ASSERT_TRUE(snapshot && *snapshot);
  EXPECT_EQ((*snapshot)->number, 5u);
  auto ids = session->ids({.type = "basket"}, 10);
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(Versions, GoldenJournal, testing::Values(kept, second),
                         [](const auto& of) {
                           return std::string{of.param == kept ? "One" : "Two"};
                         });
