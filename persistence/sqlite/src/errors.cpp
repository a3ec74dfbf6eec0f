#include "errors.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>

namespace nexus::inline v0::sqlite {
namespace {

errc code_of(int code) noexcept {
  switch (code & 0xff) {  // the low byte is the primary code of an extended one
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // our SQL is fixed: it fails only on tables that are not ours
      return errc::foreign_schema;
    case SQLITE_CORRUPT:
      return errc::corrupt;
    case SQLITE_TOOBIG:
      return errc::too_large;
    default:
      return errc::unavailable;
  }
}

}  // namespace

error describe(const SQLite::Exception& why, std::string_view name, std::string_view doing) {
  int extended = why.getExtendedErrorCode();
  int code = extended > 0 ? extended : why.getErrorCode();
  std::string what = (code & 0xff) == SQLITE_NOTADB ? "is not a SQLite database" : why.what();
  std::replace(what.begin(), what.end(), '\n', ' ');
  return {code_of(code),
          fmt::format("{}: cannot {}: {} (SQLite code {})", name, doing, what, code)};
}

}  // namespace nexus::inline v0::sqlite
