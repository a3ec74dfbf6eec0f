#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <sstream>
#include <vector>

#include "bank_fixture.hpp"
#include "journal.hpp"
#include "kill_support.hpp"
#include "money.hpp"
#include "transfer.hpp"

namespace samples { namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// "full" has hardly any room, so that transfers to it come back.
const std::vector<std::string> names{"a", "b", "c", "d", "full"};
const std::map<std::string, std::int64_t> opening{{"a", 100'000},
                                                  {"b", 100'000},
                                                  {"c", 100'000},
                                                  {"d", 100'000},
                                                  {"full", INT64_MAX - 200'000},
                                                  {"payer", 100'000'000},
                                                  {"payee", 0}};

// The output of the killed processes.
struct said {
  std::map<std::string, bank::transfer::started> sent;  // by id
  std::map<std::string, bool> acknowledged;             // by id: whether the money moved
  std::map<std::int64_t, bool> by_program;  // by amount, of `bank transfer`: did money move

  // An incomplete last line does not count.
  void take(const std::string& text) {
    std::istringstream lines{text.substr(0, text.rfind('\n') + 1)};
    for (std::string what, id; lines >> what >> id;) {
      if (what == "sent") {
        auto& s = sent[id];
        lines >> s.from >> s.to >> s.hundredths;
        s.currency = "USD";
      } else {
        lines >> what;
        acknowledged[id] = what == "moved";
      }
    }
  }
};

struct stored {
  std::map<std::string, bank::transfer::state> transfers;
  std::map<std::string, std::int64_t> balances;
};

class BankTransferKill : public Bank {
 protected:
  void begin_anew() {
    heard = {};
    amount = 0;
    remove_journal();
    std::string ledger{header};
    for (const auto& [name, hundredths] : opening) {
      ledger +=
          "t,2026-01-01,opening," + name + "," + bank::format_hundredths(hundredths) + ",USD\n";
    }
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_EQ(bank({"import", file("opening.csv", ledger)}).code, 0);
    slowness =
        std::max<std::int64_t>(1, (std::chrono::steady_clock::now() - begun) / milliseconds{50});
  }

  command_line writer_line(std::uint64_t seed) const {
    command_line line{TRANSFER_WRITER_PROGRAM, "sqlite:" + journal(), std::to_string(seed)};
    line.insert(line.end(), names.begin(), names.end());
    return line;
  }

  // The content of the journal, read without entities and without `bank verify`.
  stored read() const {
    stored all;
    auto store = nexus::open("sqlite:" + journal());
    EXPECT_TRUE(store);
    auto session = store->open_session();
    EXPECT_TRUE(session);
    auto read_all = [&]<class B>(std::type_identity<B>, auto take) {
      EXPECT_TRUE(bank::for_each_id(**session, B::entity_type, [&](const auto& id) {
        typename B::state state;
        auto done = bank::for_each_record(**session, id, [&](const auto& record) {
          const auto event = nexus::decode_event<B>(record.event);
          EXPECT_TRUE(event);
          if (event) std::visit([&](const auto& e) { B::apply(state, e); }, *event);
          return event.has_value();
        });
        take(std::string{id.id()}, state);
        return done;
      }));
    };
    read_all(std::type_identity<bank::transfer>{},
             [&](const auto& id, const auto& state) { all.transfers[id] = state; });
    read_all(std::type_identity<bank::account>{}, [&](const auto& id, const auto& state) {
      all.balances[id] = state.hundredths.at("USD");
    });
    return all;
  }

  int open_transfers() const {
    int open = 0;
    for (const auto& [id, state] : read().transfers) {
      open += state.at == bank::transfer::step::over ? 0 : 1;
    }
    return open;
  }

  void expect_clean() const {
    const auto verified = bank({"verify"});
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  }

  // All are over: each transfer moved its money once or not at all, as reported.
  void expect_whole() {
    const auto found = read();
    auto balances = opening;
    std::map<std::int64_t, int> by_program;
    for (const auto& [id, state] : found.transfers) {
      EXPECT_EQ(state.at, bank::transfer::step::over) << id;
      const auto& what = state.what;
      const bool moved = state.refusal.empty();
      if (moved) {
        balances[what.from] -= what.hundredths;
        balances[what.to] += what.hundredths;
      }
      if (what.from == "payer") {
        EXPECT_TRUE(moved);
        ++by_program[what.hundredths];
      } else {
        const auto sent = heard.sent.find(id);
        ASSERT_NE(sent, heard.sent.end()) << id << " was never sent";
        EXPECT_EQ(sent->second, what) << id;
      }
    }
    EXPECT_EQ(found.balances, balances);
    for (const auto& [id, moved] : heard.acknowledged) {
      const auto at = found.transfers.find(id);
      ASSERT_NE(at, found.transfers.end()) << id << " was acknowledged and is lost";
      EXPECT_EQ(at->second.refusal.empty(), moved) << id;
    }
    for (const auto& [hundredths, told] : heard.by_program) {
      EXPECT_LE(by_program[hundredths], 1) << hundredths << " moved twice";
      EXPECT_GE(by_program[hundredths], told ? 1 : 0) << hundredths << " is lost";
    }
  }

  // Kills a program some time after its start, by `latest` on a fast machine; returns its output.
  std::string kill(const command_line& line, milliseconds latest) {
    process victim{line, directory.path()};
    const microseconds moment{
        static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(latest.count()) * 1000)) *
        slowness};
    if (!victim.read_for(moment) && victim.kill()) {
      ++kills;
      victim.wait();
    } else {
      EXPECT_EQ(victim.wait(), 0) << victim.err();
    }
    return victim.out();
  }

  void kill_writers() {
    std::optional<process> second;  // on the same accounts and transfers
    if (random() % 3 == 0) second.emplace(writer_line(random()), directory.path());
    heard.take(kill(writer_line(random()), milliseconds{250}));
    if (!second) return;
    second->read_for(milliseconds{random() % 20});
    EXPECT_TRUE(second->kill()) << second->err();
    ++kills;
    second->wait();
    heard.take(second->out());
  }

  // Each has a different amount, to identify it.
  command_line next_transfer() {
    heard.by_program[++amount] = false;
    return bank_line({"transfer", "payer", "payee", bank::format_hundredths(amount), "USD"});
  }

  void kill_transfer() {
    const auto out = kill(next_transfer(), milliseconds{60});
    heard.by_program[amount] = out.find("moved ") != std::string::npos;
  }

  // The next transfer finishes all of them.
  void finish() {
    const auto f = run(next_transfer(), directory.path());
    ASSERT_EQ(f.code, 0) << f.err;
    heard.by_program[amount] = true;
    expect_whole();
    expect_clean();
    EXPECT_EQ(open_transfers(), 0);
  }

  std::mt19937_64 random = random_source();
  said heard;
  std::int64_t amount = 0;    // of the last `bank transfer`
  std::int64_t slowness = 1;  // of starting a program: with sanitizers, or under load
  int kills = 0;
  int interrupted = 0;
  std::size_t acknowledged = 0;
};

TEST_F(BankTransferKill, TransfersKilledAtAnyMomentAreFinishedByTheNext) {
  const int journals = times(1, 50);
  for (int i = 0; i < journals && !HasFailure(); ++i) {
    begin_anew();
    for (const int before = kills; kills - before < 30 && !HasFailure();) {
      kill_writers();
      interrupted += open_transfers();
      if (random() % 2 == 0) expect_clean();
      if (random() % 3 == 0) kill_transfer();
      if (random() % 4 == 0) finish();
    }
    finish();
    acknowledged += heard.acknowledged.size();
  }
  std::cout << kills << " kills, " << interrupted << " times a transfer was found halfway, "
            << acknowledged << " were acknowledged\n";
  EXPECT_GE(interrupted, kills);
}

}}  // namespace samples
