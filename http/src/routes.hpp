// Which handler answers which request.
//
// Threads: any, once all are added.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/http/detail/exchange.hpp"
#include "nexus/metrics.hpp"

namespace nexus::inline v0::http {

/// "/accounts/{name}/history", taken apart.
struct route_pattern {
  struct part {
    std::string text;  ///< of a parameter its name
    bool is_param = false;
    friend bool operator==(const part&, const part&) = default;
  };
  std::string text;
  std::vector<part> parts;

  /// `invalid_argument`, one line, if it makes no sense.
  [[nodiscard]] static result<route_pattern> parse(std::string_view text);

  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool matches(const std::vector<std::string>& path) const;
  /// What is spelled out comes first; of patterns that both match a path.
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
  /// `invalid_argument` if one is there for the same method and paths.
  [[nodiscard]] result<void> add(served_route one);

  /// The one for that method, HEAD as GET, and path; null if there is none.
  [[nodiscard]] const served_route* find(std::string_view method,
                                         const std::vector<std::string>& path) const;

  /// The methods that the path has, for the header Allow; empty: none.
  /// A path without parts stands for the whole server.
  [[nodiscard]] std::string allowed(const std::vector<std::string>& path) const;

  /// The method as metrics name it: "other", unless it is a usual one or a route has it. A client can
  /// invent any number.
  [[nodiscard]] std::string_view label_of(std::string_view method) const;

 private:
  std::deque<served_route> all_;
};

}
