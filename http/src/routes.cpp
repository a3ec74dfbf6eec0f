#include "routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace nexus { inline namespace v0 { namespace http {

result<route_pattern> route_pattern::parse(std::string_view text) {
  auto wrong = [&](std::string_view why) {
    return fail(errc::invalid_argument, fmt::format("the pattern \"{}\" {}", text, why));
  };
  if (!text.starts_with('/')) return wrong("does not begin with a slash");
  route_pattern made;
  made.text = text;
  std::set<std::string_view> seen;
  for (auto rest = text.substr(1);;) {
    const auto end = std::min(rest.find('/'), rest.size());
    auto one = rest.substr(0, end);
    const bool is_param = one.size() > 2 && one.starts_with('{') && one.ends_with('}');
    if (is_param) one = one.substr(1, one.size() - 2);
    if (one.find_first_of("{}?#%") != std::string_view::npos) {
      return wrong("has a part that is neither a {name} nor plain text");
    }
    if (is_param && !seen.insert(one).second) return wrong("has two parameters of one name");
    made.parts.push_back({std::string{one}, is_param});
    if (end == rest.size()) return made;
    rest.remove_prefix(end + 1);
  }
}

std::vector<std::string> route_pattern::names() const {
  std::vector<std::string> made;
  for (const auto& p : parts) {
    if (p.is_param) made.push_back(p.text);
  }
  return made;
}

bool route_pattern::matches(const std::vector<std::string>& path) const {
  return std::equal(parts.begin(), parts.end(), path.begin(), path.end(),
                    [](const part& p, const std::string& text) {
                      return p.is_param ? !text.empty() : p.text == text;
                    });
}

bool route_pattern::comes_before(const route_pattern& other) const {
  return std::lexicographical_compare(
      parts.begin(), parts.end(), other.parts.begin(), other.parts.end(),
      [](const part& a, const part& b) { return !a.is_param && b.is_param; });
}

bool route_pattern::same_paths(const route_pattern& other) const {
  return std::equal(parts.begin(), parts.end(), other.parts.begin(), other.parts.end(),
                    [](const part& a, const part& b) { return a.is_param ? b.is_param : a == b; });
}

result<void> routes::add(served_route one) {
  for (const auto& other : all_) {
    if (other.method == one.method && other.pattern.same_paths(one.pattern)) {
      return fail(errc::invalid_argument, fmt::format("it answers the same paths as {} {}",
                                                      other.method, other.pattern.text));
    }
  }
  all_.push_back(std::move(one));
  return {};
}

const served_route* routes::find(std::string_view method,
                                 const std::vector<std::string>& path) const {
  const served_route* best = nullptr;
  for (const auto& one : all_) {
    const bool fits = one.method == method || (method == "HEAD" && one.method == "GET");
    if (!fits || !one.pattern.matches(path)) continue;
    if (best == nullptr || one.pattern.comes_before(best->pattern)) best = &one;
  }
  return best;
}

std::string routes::allowed(const std::vector<std::string>& path) const {
  std::set<std::string_view> methods;
  for (const auto& one : all_) {
    if (!path.empty() && !one.pattern.matches(path)) continue;
    methods.insert({one.method, "OPTIONS"});
    if (one.method == "GET") methods.insert("HEAD");
  }
  return fmt::format("{}", fmt::join(methods, ", "));
}

std::string_view routes::label_of(std::string_view method) const {
  constexpr std::array<std::string_view, 7> usual{"GET",    "HEAD",  "POST",   "PUT",
                                                  "DELETE", "PATCH", "OPTIONS"};
  const auto* known = std::find(usual.begin(), usual.end(), method);
  if (known != usual.end()) return *known;
  const auto has = std::find_if(all_.begin(), all_.end(),
                                [&](const served_route& one) { return one.method == method; });
  return has == all_.end() ? std::string_view{"other"} : std::string_view{has->method};
}

}}}  // namespace nexus::v0::http
