// The one place where SQLite's exceptions become results.
//
// Threads: any. Throws: nothing.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <exception>
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

/// A caller's sink within `attempt`: what it throws comes out of the call as it is, also if it is SQLite's.
template <class Sink>
class apart {
 public:
  explicit apart(const Sink& sink) noexcept : sink_{sink} {}

  template <class... A>
  bool operator()(const A&... record) noexcept {
    try {
      return sink_(record...);
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
  }
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  const Sink& sink_;
  std::exception_ptr thrown_;
};

}  // namespace nexus::inline v0::sqlite
