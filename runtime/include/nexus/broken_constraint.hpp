// The constraint that a statement of the program has broken, as data for code that branches:
//
//   if (auto done = session.execute("INSERT INTO guests VALUES ($1)", mail); !done) {
//     const auto& broken = done.error().broken;
//     if (broken && broken->kind == nexus::constraint_kind::unique) …   // taken: ask for another
//   }
//
// Threads: plain values. Throws: only when memory runs out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus { inline namespace v0 {

enum class constraint_kind : std::uint8_t {
  unique,  ///< also a primary key
  foreign_key,
  not_null,
  check,
  exclusion,  ///< PostgreSQL only
  other       ///< a trigger refused it, or the database names no kind
};

/// The enumerator's name, e.g. "foreign_key".
[[nodiscard]] std::string_view to_string(constraint_kind kind) noexcept;

/// Names are as the database stores them. docs/sql.md says what each database can tell.
struct broken_constraint {
  constraint_kind kind = constraint_kind::other;
  std::string name{};   ///< of the constraint, or of its index; empty: it has none, or is not known
  std::string table{};  ///< that has the constraint: of a foreign key the referencing one
  std::vector<std::string> columns{};  ///< of that table, without expressions; empty: not known

  friend bool operator==(const broken_constraint&, const broken_constraint&) = default;
};

namespace detail {

/// A broken constraint, or none. It is copied with its owner, and as wide as a pointer: most errors
/// have none, and errors move through hot paths.
class maybe_broken {
 public:
  maybe_broken() noexcept = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a broken constraint is one
  maybe_broken(broken_constraint what) : what_{new broken_constraint{std::move(what)}} {}
  maybe_broken(const maybe_broken& other)
      : what_{other.what_ == nullptr ? nullptr : copy(*other.what_)} {}
  maybe_broken(maybe_broken&& other) noexcept : what_{std::exchange(other.what_, nullptr)} {}
  maybe_broken& operator=(maybe_broken other) noexcept {
    std::swap(what_, other.what_);
    return *this;
  }
  ~maybe_broken() {
    if (what_ != nullptr) destroy(what_);
  }

  explicit operator bool() const noexcept { return what_ != nullptr; }
  const broken_constraint& operator*() const noexcept { return *what_; }
  const broken_constraint* operator->() const noexcept { return what_; }

  friend bool operator==(const maybe_broken& a, const maybe_broken& b) noexcept {
    return a.what_ == b.what_ || (a && b && *a == *b);
  }

 private:
  // Compiled once: every result has an error.
  static const broken_constraint* copy(const broken_constraint& what);
  static void destroy(const broken_constraint* what) noexcept;

  const broken_constraint* what_ = nullptr;
};

}

}}  // namespace nexus::v0
