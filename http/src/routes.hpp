// The routes: which handler answers which request.
//
// Threads: any, after all routes are added.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/http/detail/exchange.hpp"
#include "nexus/metrics.hpp"

namespace nexus { inline namespace v0 { namespace http {

/// "/accounts/{name}/history" in parts.
struct route_pattern {
  struct part {
    std::string text;  ///< the name of a parameter
    bool is_param = false;
    friend bool operator==(const part&, const part&) = default;
  };
  std::string text;
  std::vector<part> parts;

  /// `invalid_argument`, one line, if the pattern is invalid.
  [[nodiscard]] static result<route_pattern> parse(std::string_view text);

  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool matches(const std::vector<std::string>& path) const;
  /// Of two patterns that match a path, the one with literal text comes first.
  [[nodiscard]] bool comes_before(const route_pattern& other) const;
  [[nodiscard]] bool same_paths(const route_pattern& other) const;
};

struct served_route {
  std::string method;
  route_pattern pattern;
  detail::answerer answer;
  int rejected;
  histogram* seconds;
};

class routes {
 public:
  /// `invalid_argument` if there is a route for the same method and paths.
  [[nodiscard]] result<void> add(served_route one);

  /// The route for that method, HEAD as GET, and path; null if there is none.
  [[nodiscard]] const served_route* find(std::string_view method,
                                         const std::vector<std::string>& path) const;

  /// The methods of the path, for the header Allow; empty: none. A path without parts means the
  /// whole server.
  [[nodiscard]] std::string allowed(const std::vector<std::string>& path) const;

  /// The method's name in metrics: "other", unless it is a common method or that of a route. A
  /// client can invent any number of methods.
  [[nodiscard]] std::string_view label_of(std::string_view method) const;

 private:
  std::deque<served_route> all_;
};

}}}
