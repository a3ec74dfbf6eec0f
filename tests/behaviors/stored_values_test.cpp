// Random values of every kind of field a stored type may have: stored in a real journal, read by a
// fresh system, equal as values to the bit.
#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <list>
#include <memory>
#include <nexus/nexus.hpp>
#include <nexus/sqlite.hpp>
#include <nexus/testkit/builders.hpp>
#include <nexus/testkit/detail/difference.hpp>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "temporary_folder.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using testkit::detail::difference;

namespace {

enum class small : std::int8_t {};
enum class wide : std::uint64_t {};
enum flag : bool { down, up };

struct numbers {
  bool yes = false;
  char letter = 'a';
  signed char i8 = 0;
  unsigned char u8 = 0;
  std::int16_t i16 = 0;
  std::uint16_t u16 = 0;
  std::int32_t i32 = 0;
  std::uint32_t u32 = 0;
  long i64 = 0;
  long long other_i64 = 0;
  std::uint64_t u64 = 0;
  float f32 = 0;
  double f64 = 0;
  std::byte raw{};
  small one{};
  wide other{};
  flag up_or_down{};
  MSGPACK_DEFINE_MAP(yes, letter, i8, u8, i16, u16, i32, u32, i64, other_i64, u64, f32, f64, raw,
                     one, other, up_or_down)
};

template <class Duration>
using time_of = std::chrono::time_point<std::chrono::system_clock, Duration>;

struct times {
  std::chrono::nanoseconds ns{};
  std::chrono::hours h{};
  std::chrono::duration<double> real{};
  std::chrono::duration<std::int32_t, std::ratio<1, 3>> thirds{};
  time_of<std::chrono::nanoseconds> at_ns{};
  time_of<std::chrono::microseconds> at_us{};
  time_of<std::chrono::milliseconds> at_ms{};
  time_of<std::chrono::seconds> at_s{};
  MSGPACK_DEFINE_MAP(ns, h, real, thirds, at_ns, at_us, at_ms, at_s)
};

struct bytes {
  std::string text;
  std::vector<char> chars;
  std::vector<unsigned char> unsigned_chars;
  std::vector<std::byte> raws;
  std::array<unsigned char, 4> four{};
  std::array<std::byte, 3> three{};
  std::array<char, 2> two{};
  std::vector<bool> flags;
  std::deque<char> letters;
  MSGPACK_DEFINE_MAP(text, chars, unsigned_chars, raws, four, three, two, flags, letters)
};

struct nothing {};
struct line {
  std::string what;
  double price = 0;
  std::vector<line> parts;
  MSGPACK_DEFINE_MAP(what, price, parts)
};

struct containers {
  std::vector<float> floats;
  std::vector<double> doubles;
  std::array<double, 3> triple{};
  std::array<line, 2> lines{};
  std::deque<std::string> texts;
  std::list<std::int64_t> list;
  std::set<std::string> set;
  std::multiset<std::int16_t> bag;
  std::unordered_set<std::string> unordered;
  std::unordered_multiset<std::int8_t> unordered_bag;
  std::map<std::string, std::vector<line>> by_name;
  std::map<std::int64_t, double> by_number;
  std::unordered_map<std::string, std::optional<line>> by_hash;
  std::pair<std::int8_t, line> pair;
  std::tuple<std::int64_t, std::string, double, nothing> tuple;
  std::vector<std::vector<std::vector<double>>> cube;
  MSGPACK_DEFINE_MAP(floats, doubles, triple, lines, texts, list, set, bag, unordered,
                     unordered_bag, by_name, by_number, by_hash, pair, tuple, cube)
};

struct choices {
  std::optional<std::int64_t> maybe;
  std::optional<line> maybe_line;
  std::optional<std::vector<std::optional<double>>> maybe_some;
  std::variant<std::monostate, std::int64_t, std::string, std::vector<double>, line> one_of;
  std::variant<std::optional<std::int64_t>, std::optional<double>> either;
  std::optional<std::variant<std::optional<bool>, nothing>> nested;
  std::shared_ptr<line> shared;
  std::vector<std::shared_ptr<double>> pointers;
  nothing empty;
  MSGPACK_DEFINE_MAP(maybe, maybe_line, maybe_some, one_of, either, nested, shared, pointers, empty)
};

struct everything {
  numbers number;
  times time;
  bytes binary;
  containers many;
  choices choice;
  MSGPACK_DEFINE_MAP(number, time, binary, many, choice)
};

/// Values that a builder never makes: enums, pointers, and numbers that equal nothing.
everything made_odd(everything made, std::uint64_t i) {
  using d = std::numeric_limits<double>;
  using f = std::numeric_limits<float>;
  constexpr std::array odd{d::quiet_NaN(),
                           -d::quiet_NaN(),
                           d::infinity(),
                           -d::infinity(),
                           -0.0,
                           0.0,
                           9'007'199'254'740'994.0,
                           9.3e18,
                           18'446'744'073'709'551'616.0,
                           d::denorm_min()};
  constexpr std::array odd_f{f::quiet_NaN(), f::infinity(), -0.0F, 16'777'218.0F, f::min()};
  const auto number = odd[i % odd.size()];
  made.number.one = static_cast<small>(i);
  made.number.other = static_cast<wide>(i * 0x9e3779b97f4a7c15U);
  made.number.up_or_down = i % 2 == 0 ? up : down;
  made.number.f64 = number;
  made.number.f32 = odd_f[i % odd_f.size()];
  made.many.doubles.push_back(number);
  made.many.by_number[7] = number;
  made.many.cube.push_back({{number}, {}});
  made.time.real = std::chrono::duration<double>{number};
  made.choice.pointers.push_back(std::make_shared<double>(number));
  made.choice.pointers.push_back(nullptr);
  if (i % 3 != 0) made.choice.shared = std::make_shared<line>(line{"shared", number, {}});
  return made;
}

struct keeper {
  static constexpr std::string_view entity_type = "keeper";
  struct keep {
    everything all;
  };
  struct read {};
  using command = std::variant<keep, read>;
  struct kept {
    static constexpr std::string_view type_name = "kept";
    everything all;
    MSGPACK_DEFINE_MAP(all)
  };
  using event = std::variant<kept>;
  struct state {
    everything all;
    MSGPACK_DEFINE_MAP(all)
  };
  static auto decide(const state&, const keep& c) { return nexus::persist(kept{c.all}); }
  static auto decide(const state& s, const read&) { return nexus::reply(s.all); }
  static void apply(state& s, const kept& e) { s.all = e.all; }
};

struct holder {
  static constexpr std::string_view entity_type = "holder";
  using keep = keeper::keep;
  using read = keeper::read;
  using command = std::variant<keep, read>;
  using state = keeper::state;
  static auto decide(const state&, const keep& c) { return nexus::persist(state{c.all}); }
  static auto decide(const state& s, const read&) { return nexus::reply(s.all); }
};

class StoredValues : public testing::Test {
 protected:
  static constexpr std::uint64_t seed = 20261128;
  static constexpr std::uint64_t count = 150;

  /// Stores `count` values and reads each with another system from another handle of the file.
  template <class B>
  void come_back(const entity_options& options) {
    const auto before = values();
    {
      nexus::system sys{{.threads = 1}};
      const auto journal = nexus::open(uri_, {sqlite_backend()});
      ASSERT_TRUE(journal) << journal.error().message;
      const entities<B> some{sys, *journal, options};
      std::deque<asked<void>> answers;
      for (std::uint64_t i = 0; i < count; ++i) {
        answers.push_back(some.of(std::to_string(i)).ask(typename B::keep{before[i]}));
      }
      for (auto& one : answers) {
        const auto stored = one.get(60s);
        ASSERT_TRUE(stored) << stored.error().message;
      }
    }
    nexus::system fresh{{.threads = 1}};
    const auto journal = nexus::open(uri_, {sqlite_backend()});
    const entities<B> some{fresh, *journal, options};
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto after = some.of(std::to_string(i)).ask(typename B::read{}).get(60s);
      ASSERT_TRUE(after) << "value " << i << " of seed " << seed << ": " << after.error().message;
      const auto differs = difference(before[i], *after);
      EXPECT_FALSE(differs) << "value " << i << " of seed " << seed << " at " << *differs;
    }
  }

 private:
  static std::vector<everything> values() {
    testkit::builder<everything> all{seed};
    auto made = all.make(count);
    for (std::uint64_t i = 0; i < count; ++i) made[i] = made_odd(std::move(made[i]), i);
    return made;
  }

  temporary_folder folder_;
  const std::string uri_ = "sqlite:" + folder_.path("values.db");
};

}  // namespace

TEST_F(StoredValues, OfEventsComeBackEqual) { come_back<keeper>({}); }

TEST_F(StoredValues, OfSnapshotsComeBackEqual) {
  come_back<keeper>({.snapshot_every = 1, .keep_snapshots = 1, .erase_events = true});
}

TEST_F(StoredValues, OfDurableStatesComeBackEqual) { come_back<holder>({}); }
