// Which rows are meant, and in which order: without the type of their entities, so that scopes of
// a mapping are plain functions.
//
// Threads: a value.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "nexus/comparison.hpp"
#include "nexus/detail/row_query.hpp"

namespace nexus { inline namespace v0 {

class row_filter {
 public:
  /// Also.
  row_filter& where(condition one) {
    query.where.push_back({std::move(one)});
    return *this;
  }
  template <class... A>
  row_filter& where(std::string column, is how, const A&... with) {
    return where(condition{std::move(column), how, with...});
  }
  /// Also one of these.
  row_filter& where_any(std::vector<condition> any) {
    query.where.push_back(std::move(any));
    return *this;
  }
  /// Behind the columns that were named before.
  row_filter& order(std::string column, direction towards = direction::ascending) {
    query.order.push_back({std::move(column), towards});
    return *this;
  }
  row_filter& limit(std::int64_t rows) {
    query.limit = rows;
    return *this;
  }
  row_filter& offset(std::int64_t rows) {
    query.offset = rows;
    return *this;
  }

  detail::row_query query{};
};

}}  // namespace nexus::v0
