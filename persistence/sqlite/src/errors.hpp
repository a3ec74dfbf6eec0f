// The one place where SQLite's exceptions become results.
//
// Threads: any. Throws: nothing.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <string_view>
#include <utility>

#include "nexus/result.hpp"

namespace nexus::inline v0::sqlite {

/// "sqlite:bank.db: cannot append: database or disk is full (13)".
[[nodiscard]] error describe(const SQLite::Exception& why, std::string_view name,
                             std::string_view doing);

/// Likewise, of a statement of the user's own.
[[nodiscard]] error describe_sql(const SQLite::Exception& why, std::string_view name);

/// What `work` returns, a result; or, if SQLite threw in it, why.
template <class Work>
[[nodiscard]] auto attempt(std::string_view name, std::string_view doing, Work&& work)
    -> decltype(work()) {
  try {
    return std::forward<Work>(work)();
  } catch (const SQLite::Exception& why) {
    return fail(describe(why, name, doing));
  }
}

}  // namespace nexus::inline v0::sqlite
