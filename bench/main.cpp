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

std::vector<bench::figure> measure(const bench::options& o) {
  using measured = std::pair<std::string_view, bench::figure (*)(const bench::options&)>;
  constexpr std::array<measured, 7> all{{{"sqlite.durable_ask.1k", bench::durable_ask},
                                         {"sqlite.hot_entity", bench::hot_entity},
                                         {"sqlite.indexes", bench::indexes},
                                         {"postgres.durable_ask.1k", bench::postgres_ask},
                                         {"recovery.1m", bench::recovery},
                                         {"sqlite.live", bench::live},
                                         {"postgres.live", bench::postgres_live}}};
  std::vector<bench::figure> figures;
  for (const auto& [name, figure] : all) {
    if (name.find(o.filter) == std::string_view::npos) continue;
    fmt::print(stderr, "measuring {}\n", name);
    figures.push_back(figure(o));
  }
  if (o.filter.empty() || std::string_view{"query.by_id query.by_type query.by_tag"}.find(
                              o.filter) != std::string_view::npos) {
    fmt::print(stderr, "measuring queries\n");
    for (auto& one : bench::queries(o)) figures.push_back(std::move(one));
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
