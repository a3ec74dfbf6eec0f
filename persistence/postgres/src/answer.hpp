// The result of a statement.
//
// Threads: values.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string_view>

namespace nexus { inline namespace v0 { namespace postgres {

/// Values are in binary form, unless the connection says otherwise.
class rows {
 public:
  explicit rows(PGresult* taken) : result_{taken} {}

  [[nodiscard]] int size() const noexcept { return PQntuples(result_.get()); }
  [[nodiscard]] bool is_null(int row, int column) const noexcept {
    return PQgetisnull(result_.get(), row, column) != 0;
  }
  [[nodiscard]] std::string_view bytes(int row, int column) const noexcept {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
  }
  /// Reads int8, xid8 and timestamptz; 0 for another size.
  [[nodiscard]] std::int64_t int8(int row, int column) const noexcept;
  [[nodiscard]] bool boolean(int row, int column) const noexcept {
    return !bytes(row, column).empty() && bytes(row, column)[0] != 0;
  }
  [[nodiscard]] const PGresult* get() const noexcept { return result_.get(); }
  /// The command tag, as in "INSERT 0 5" or "ROLLBACK".
  [[nodiscard]] std::string_view tag() const noexcept { return PQcmdStatus(result_.get()); }
  /// Rows that an INSERT, UPDATE or DELETE touched.
  [[nodiscard]] std::int64_t affected() const noexcept;

 private:
  struct clear {
    void operator()(PGresult* r) const noexcept { PQclear(r); }
  };
  std::unique_ptr<PGresult, clear> result_;
};

}}}  // namespace nexus::v0::postgres
