// What people and programs type and read: amounts, filters of lists, and the report of the books.
//
// Threads: pure functions. Failures: `invalid_argument`, which names the argument.
#pragma once

#include <nexus/result.hpp>
#include <string>
#include <string_view>

#include "shop.hpp"

namespace orders {

/// "12.50", not below zero.
[[nodiscard]] nexus::result<std::int64_t> cents_of(std::string_view argument,
                                                   const std::string& text);

struct filter_texts {  ///< "": not filtered by it
  std::string customer;
  std::string status;
  std::string total_min;
};
/// The names of the arguments in errors.
struct filter_names {
  std::string_view status, total_min;
};
[[nodiscard]] nexus::result<list_filter> filter_of(const filter_texts& is,
                                                   const filter_names& names);

/// Lines for a terminal.
[[nodiscard]] std::string report(const books& is);

}  // namespace orders
