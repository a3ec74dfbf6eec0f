// Errors of PostgreSQL and libpq as exceptions within this folder, and the one place that turns
// them into results.
//
// Threads: any.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

/// A statement failed, or the connection did.
class trouble : public std::runtime_error {
 public:
  trouble(std::string sqlstate, const std::string& what, bool connection_lost = false)
      : std::runtime_error{what}, sqlstate_{std::move(sqlstate)}, lost_{connection_lost} {}

  /// The same trouble, of a connection that may be unusable.
  trouble(trouble of, bool connection_lost) : trouble{std::move(of)} { lost_ = connection_lost; }

  /// Five characters; empty if the error did not come from the server.
  [[nodiscard]] std::string_view sqlstate() const noexcept { return sqlstate_; }
  [[nodiscard]] bool is(std::string_view state) const noexcept { return sqlstate_ == state; }
  [[nodiscard]] bool of_class(std::string_view two) const noexcept {
    return std::string_view{sqlstate_}.substr(0, 2) == two;
  }

  /// True if the connection is unusable. What was sent may have been done, or may still be done.
  [[nodiscard]] bool connection_lost() const noexcept { return lost_; }

  /// The constraint that the server names, as far as it does, and the schema of its table.
  struct constraint {
    std::string schema;
    broken_constraint what;
  };
  [[nodiscard]] const std::optional<constraint>& broken() const noexcept { return broken_; }
  void breaks(constraint one) { broken_ = std::move(one); }

  /// True if a prepared statement would have other columns than when it was prepared.
  [[nodiscard]] bool of_stale_plan() const noexcept { return stale_plan_; }
  void mark_stale_plan() noexcept { stale_plan_ = true; }

 private:
  std::string sqlstate_;
  bool lost_;
  bool stale_plan_ = false;
  std::optional<constraint> broken_;
};

namespace sqlstate {
inline constexpr std::string_view unique_violation = "23505";
inline constexpr std::string_view division_by_zero = "22012";
inline constexpr std::string_view deadlock_detected = "40P01";
inline constexpr std::string_view serialization_failure = "40001";
inline constexpr std::string_view lock_not_available = "55P03";
inline constexpr std::string_view invalid_statement_name = "26000";
inline constexpr std::string_view duplicate_statement_name = "42P05";
inline constexpr std::string_view read_only_transaction = "25006";
inline constexpr std::string_view not_supported = "0A000";
inline constexpr std::string_view syntax_error = "42601";
}  // namespace sqlstate

/// libpq's messages have several lines; ours have one.
[[nodiscard]] std::string one_line(std::string_view text);

/// "postgresql://host/bank: cannot append: relation "x" does not exist (SQLSTATE 42P01)".
[[nodiscard]] error describe(const trouble& why, std::string_view name, std::string_view doing);

/// The same for a statement of the user.
[[nodiscard]] error describe_sql(const trouble& why, std::string_view name);

/// The result of `work`; or, if it threw `trouble`, the error.
template <class Work>
[[nodiscard]] auto attempt(std::string_view name, std::string_view doing, Work&& work)
    -> decltype(work()) {
  try {
    return std::forward<Work>(work)();
  } catch (const trouble& why) {
    return fail(describe(why, name, doing));
  }
}

}}}  // namespace nexus::v0::postgres
