// https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4.
#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "nexus/metrics.hpp"

namespace nexus { inline namespace v0 {
namespace {

std::string escaped(std::string_view text, bool quoted) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || (quoted && c == '"')) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void line(std::string& out, std::string_view name, std::string_view suffix,
          const metric_labels& labels, std::string_view value, std::string_view le = {}) {
  out += fmt::format("{}{}", name, suffix);
  std::string inner;
  auto label = [&](std::string_view key, std::string_view text) {
    inner += fmt::format("{}{}=\"{}\"", inner.empty() ? "" : ",", key, escaped(text, true));
  };
  for (const auto& [key, text] : labels) label(key, text);
  if (!le.empty()) label("le", le);
  if (!inner.empty()) out += "{" + inner + "}";
  out += fmt::format(" {}\n", value);
}

std::string_view word(metric_kind kind) {
  switch (kind) {
    case metric_kind::counter:
      return "counter";
    case metric_kind::gauge:
      return "gauge";
    case metric_kind::histogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace

std::string to_text(const metrics& of) { return to_text(of.collect()); }

std::string to_text(std::span<const metric_family> families) {
  std::string out;
  for (const auto& f : families) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", f.name, escaped(f.help, false), f.name,
                       word(f.kind));
    for (const auto& s : f.samples) {
      if (f.kind != metric_kind::histogram) {
        line(out, f.name, "", s.labels, number(s.value));
        continue;
      }
      for (const auto& b : s.buckets) {
        line(out, f.name, "_bucket", s.labels, std::to_string(b.count), number(b.up_to));
      }
      line(out, f.name, "_sum", s.labels, number(s.value));
      line(out, f.name, "_count", s.labels,
           std::to_string(s.buckets.empty() ? 0 : s.buckets.back().count));
    }
  }
  return out;
}

}}  // namespace nexus::v0
