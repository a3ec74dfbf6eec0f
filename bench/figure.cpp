#include "figure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace bench {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void rounds::add(const run& nexus, const run& plain) {
  nexus_.push_back(nexus.rate());
  plain_.push_back(plain.rate());
  ratios_.push_back(nexus.rate() / plain.rate());
  nexus_cpu_.push_back(nexus.cpu_us());
  plain_cpu_.push_back(plain.cpu_us());
}

figure rounds::summary(std::string name, std::string unit) const {
  figure made{std::move(name), std::move(unit), median(nexus_),
              median(plain_),  median(ratios_), {}};
  const auto [lowest, highest] = std::minmax_element(ratios_.begin(), ratios_.end());
  made.notes.push_back(
      fmt::format("{} rounds, ratios {:.2f} to {:.2f}; processor time per event {:.2f} us, "
                  "baseline {:.2f} us",
                  ratios_.size(), *lowest, *highest, median(nexus_cpu_), median(plain_cpu_)));
  return made;
}

void print(const std::vector<figure>& all) {
  fmt::print("{:<24} {:>12} {:<10} {:>12} {:>7}\n", "figure", "nexus", "unit", "baseline", "ratio");
  for (const auto& f : all) {
    fmt::print("{:<24} {:>12.0f} {:<10} {:>12.0f} {:>7.2f}\n", f.name, f.value, f.unit, f.baseline,
               f.ratio);
    for (const auto& note : f.notes) fmt::print("    {}\n", note);
  }
}

void write_json(const std::vector<figure>& all, const std::string& path) {
  auto list = nlohmann::json::array();
  for (const auto& f : all) {
    list.push_back({{"name", f.name},
                    {"value", f.value},
                    {"unit", f.unit},
                    {"baseline", f.baseline},
                    {"ratio", f.ratio}});
  }
  std::ofstream out{path};
  out << list.dump(2) << '\n';
  if (!out.flush()) throw std::runtime_error{path + ": cannot be written"};
}

}  // namespace bench
