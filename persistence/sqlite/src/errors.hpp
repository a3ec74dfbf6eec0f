// The one place that turns SQLite's exceptions into results.
//
// Threads: any. Throws: nothing.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <exception>
#include <string_view>
#include <utility>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

/// "sqlite:bank.db: cannot append: database or disk is full (13)".
[[nodiscard]] error describe(const SQLite::Exception& why, std::string_view name,
                             std::string_view doing);

/// The same for a statement of the user.
[[nodiscard]] error describe_sql(const SQLite::Exception& why, std::string_view name);

/// The result of `work`; or, if SQLite threw in it, the error.
template <class Work>
[[nodiscard]] auto attempt(std::string_view name, std::string_view doing, Work&& work)
    -> decltype(work()) {
  try {
    return std::forward<Work>(work)();
  } catch (const SQLite::Exception& why) {
    return fail(describe(why, name, doing));
  }
}

/// A caller's sink within `attempt`: its exceptions leave the call unchanged, even SQLite's own.
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

}}}  // namespace nexus::v0::sqlite
