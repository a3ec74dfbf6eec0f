// Every figure beside its raw baseline, measured in the same run.
#include <fmt/format.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "figure.hpp"

namespace {

namespace fs = std::filesystem;

// A folder for the databases: the given one, or a temporary one that is removed at the end.
class place {
 public:
  explicit place(std::string asked) : path_{std::move(asked)} {
    if (!path_.empty()) {
      fs::create_directories(path_);
      return;
    }
    path_ = "nexus_bench.XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error{"cannot make a folder here"};
    ours_ = true;
  }
  ~place() {
    std::error_code ignored;
    if (ours_) fs::remove_all(path_, ignored);
  }
  place(const place&) = delete;
  place& operator=(const place&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool ours_ = false;
};

template <bench::figure (*Measure)(const bench::options&)>
std::vector<bench::figure> one(const bench::options& o) {
  return {Measure(o)};
}

struct measured {
  std::string_view names;  ///< of its figures
  std::vector<bench::figure> (*figures)(const bench::options&);
};

constexpr std::array all{
    measured{"sqlite.durable_ask.1k", one<bench::durable_ask>},
    measured{"sqlite.ask_while_projecting", one<bench::ask_while_projecting>},
    measured{"sqlite.hot_entity", one<bench::hot_entity>},
    measured{"sqlite.indexes", one<bench::indexes>},
    measured{"postgres.durable_ask.1k", one<bench::postgres_ask>},
    measured{"recovery.1m", one<bench::recovery>},
    measured{"alarms.fire", one<bench::alarms>},
    measured{"projection.sqlite", one<bench::projection>},
    measured{"projection.postgres", one<bench::postgres_projection>},
    measured{"sqlite.query.by_id sqlite.query.by_type sqlite.query.by_tag", bench::queries},
    measured{"postgres.query.by_id postgres.query.by_type postgres.query.by_tag",
             bench::postgres_queries},
    measured{"sqlite.own_sql sqlite.own_sql.read", bench::own_sql},
    measured{"postgres.own_sql postgres.own_sql.read", bench::postgres_own_sql},
    measured{"sqlite.mapper.insert.1 sqlite.mapper.update.1 sqlite.mapper.find.1 "
             "sqlite.mapper.insert.100 sqlite.mapper.update.100 sqlite.mapper.find.100 "
             "sqlite.mapper.load",
             bench::sqlite_mapper},
    measured{"postgres.mapper.insert.1 postgres.mapper.update.1 postgres.mapper.find.1 "
             "postgres.mapper.insert.100 postgres.mapper.update.100 postgres.mapper.find.100 "
             "postgres.mapper.load",
             bench::postgres_mapper},
#ifdef NEXUS_BENCH_DYNAMODB
    measured{"dynamodb.append.1 dynamodb.append.100 dynamodb.append.1000", bench::dynamodb_append},
#endif
    measured{"entity.update", one<bench::rows_updated>},
    measured{"entity.load", one<bench::rows_loaded>},
    measured{"sqlite.live", one<bench::live>},
    measured{"postgres.live", one<bench::postgres_live>}};

std::vector<bench::figure> measure(const bench::options& o) {
  std::vector<bench::figure> figures;
  for (const auto& some : all) {
    if (some.names.find(o.filter) == std::string_view::npos) continue;
    fmt::print(stderr, "measuring {}\n", some.names);
    for (auto& made : some.figures(o)) figures.push_back(std::move(made));
  }
  if (figures.empty()) throw std::runtime_error{"no figure's name contains \"" + o.filter + "\""};
  return figures;
}

// With other load the figures mean little: threads share processors by their number.
void warn_of_load() {
  double load = 0;
  const auto cores = std::thread::hardware_concurrency();
  if (getloadavg(&load, 1) != 1 || load < 0.75 * cores) return;
  fmt::print(stderr, "other programs keep this machine busy (load {:.1f} on {} cores)\n", load,
             cores);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Measures Nexus beside plain code that does the same."};
  bench::options o;
  std::string json;
  app.add_flag("--quick", o.quick, "fewer and shorter rounds");
  app.add_option("--json", json, "also write the figures to this file");
  app.add_option("--filter", o.filter, "only figures whose name contains this");
  app.add_option("--rounds", o.rounds, "pairs of runs per figure");
  app.add_option("--dir", o.dir, "where the databases go; default: a fresh folder here");
  app.add_option("--window", o.window, "asks in flight")->check(CLI::PositiveNumber);
  app.add_option("--scale", o.scale, "times the number of operations")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    warn_of_load();
    const place databases{o.dir};
    o.dir = databases.path();
    const auto figures = measure(o);
    bench::print(figures);
    if (!json.empty()) bench::write_json(figures, json);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "nexus_bench: {}\n", e.what());
    return 1;
  }
}
