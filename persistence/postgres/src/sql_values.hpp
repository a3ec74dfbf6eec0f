// Values of the user's statements in PostgreSQL's text form: the server infers the types of
// parameters, and reports those of columns.
//
// Threads: values.
#pragma once

#include <libpq-fe.h>

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "answer.hpp"
#include "nexus/session.hpp"
#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

/// Parameters for PQsendQueryParams. The values they were made from must outlive them.
class text_parameters {
 public:
  /// `query_failed` for values without a text form.
  [[nodiscard]] static result<text_parameters> from(sql_parameters values, const std::string& name);

  [[nodiscard]] int count() const noexcept { return static_cast<int>(values_.size()); }
  [[nodiscard]] const Oid* types() const noexcept { return types_.data(); }
  [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }
  [[nodiscard]] const int* lengths() const noexcept { return lengths_.data(); }
  [[nodiscard]] const int* formats() const noexcept { return formats_.data(); }

 private:
  enum class form : int { text, binary };
  void add(Oid type, const char* value, std::size_t length, form as);
  void add(const sql_value& value);

  std::vector<Oid> types_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::deque<std::string> owned_;  // a deque, so that elements do not move
};

/// A result in text form. Its rows go to `to` if there is one.
[[nodiscard]] sql_rows to_sql_rows(const rows& answer, sql_row_sink* to);

}}}  // namespace nexus::v0::postgres
