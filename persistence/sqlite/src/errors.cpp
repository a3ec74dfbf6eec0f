#include "errors.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

errc code_of(int code) noexcept {
  switch (code & 0xff) {  // the low byte is the primary code of an extended one
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // our SQL is fixed: it fails only on foreign tables
      return errc::foreign_schema;
    case SQLITE_CORRUPT:
      return errc::corrupt;
    case SQLITE_TOOBIG:
      return errc::too_large;
    case SQLITE_INTERRUPT:  // only poolable::interrupt interrupts
      return errc::pool_closed;
    default:
      return errc::unavailable;
  }
}

errc code_of_own(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      return errc::constraint_violated;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return errc::serialization_failed;
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_AUTH:
    case SQLITE_SCHEMA:
      return errc::query_failed;
    default:
      return code_of(code);
  }
}

int extended_code(const SQLite::Exception& why) {
  const int extended = why.getExtendedErrorCode();
  return extended > 0 ? extended : why.getErrorCode();
}

std::string text_of(const SQLite::Exception& why) {
  const int primary = extended_code(why) & 0xff;
  if (primary == SQLITE_NOTADB) return "is not a SQLite database";
  if (primary == SQLITE_INTERRUPT) return "was interrupted: the pool closed";
  std::string what = why.what();
  std::replace(what.begin(), what.end(), '\n', ' ');
  return what;
}

}  // namespace

error describe(const SQLite::Exception& why, std::string_view name, std::string_view doing) {
  const auto code = extended_code(why);
  return {code_of(code),
          fmt::format("{}: cannot {}: {} (SQLite code {})", name, doing, text_of(why), code)};
}

error describe_sql(const SQLite::Exception& why, std::string_view name) {
  const auto code = extended_code(why);
  return {code_of_own(code), fmt::format("{}: {} (SQLite code {})", name, text_of(why), code)};
}

}}}  // namespace nexus::v0::sqlite
