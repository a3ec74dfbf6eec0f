// sqlite.indexes: the cost of the optional indexes per append.
#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "load.hpp"

namespace bench {
namespace {

constexpr batching sizes{.events_per_commit = 1'000, .events_per_request = 4};

struct choice {
  const char* indexes;
  rounds against_none{};
  std::uintmax_t bytes = 0;
};

}  // namespace

// The plain loop is on both sides here: with both indexes, and with none.
figure indexes(const options& o) {
  const auto path = o.dir + "/indexes.db";
  std::vector<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.push_back(fmt::format("{:04}", i));
  const auto count = o.count(300'000, 100'000);
  auto insert = [&](const char* chosen) {
    return insert_plainly(path, ids, count, sizes, fmt::format("?indexes={}", chosen));
  };

  std::array<choice, 3> choices{{{"type"}, {"time"}, {"type,time"}}};
  std::uintmax_t bytes_of_none = 0;
  for (unsigned i = 0; i < o.rounds_or(7); ++i) {
    for (auto& one : choices) {  // each beside its own run without any
      const auto with = insert(one.indexes);
      one.bytes = std::filesystem::file_size(path);
      one.against_none.add(with, insert("none"));
      bytes_of_none = std::filesystem::file_size(path);
    }
  }
  auto made = choices.back().against_none.summary("sqlite.indexes", "events/s");
  made.notes = {fmt::format(
      "indexes=type,time beside none, both by the plain loop; {} events a round, {:.0f} a commit",
      count, sizes.events_per_commit)};
  for (const auto& one : choices) {
    const auto each = one.against_none.summary(one.indexes, "");
    made.notes.push_back(fmt::format(
        "indexes={}: {:.2f} of the rate without, the file {:.2f} times as large; {}", one.indexes,
        each.ratio, static_cast<double>(one.bytes) / static_cast<double>(bytes_of_none),
        each.notes.front()));
  }
  remove_database(path);
  return made;
}

}  // namespace bench
