#include <fmt/format.h>

#include <algorithm>

#include "nexus/detail/guarded.hpp"
#include "nexus/row_filter.hpp"
#include "row_statements.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

result<void> apply(const table& of, const scope& one, row_filter& to) {
  std::string thrown;
  const bool whole =
      guarded([&] { one.narrow(to); }, [&](std::string why) { thrown = std::move(why); });
  if (whole) return {};
  return fail(errc::invalid_argument,
              fmt::format("table {}: the scope \"{}\" threw: {}", of.name, one.name, thrown));
}

}  // namespace

result<row_query> with_scopes(const table& of, const row_query& wanted) {
  row_filter made;
  made.query = wanted;
  if (wanted.has_scopes) return wanted;
  made.query.has_scopes = true;
  for (const auto& one : of.scopes) {
    if (!one.is_global || std::ranges::count(wanted.without_scopes, one.name) > 0) continue;
    if (auto done = apply(of, one, made); !done) return fail(std::move(done.error()));
  }
  for (const auto& list : {wanted.scopes, wanted.without_scopes}) {
    for (const auto& name : list) {
      if (std::ranges::count(of.scopes, name, &scope::name) > 0) continue;
      return fail(errc::invalid_argument,
                  fmt::format("table {}: there is no scope \"{}\"", of.name, name));
    }
  }
  for (const auto& name : wanted.scopes) {
    const auto found = std::ranges::find(of.scopes, name, &scope::name);
    if (auto done = apply(of, *found, made); !done) return fail(std::move(done.error()));
  }
  return std::move(made.query);
}

}}}  // namespace nexus::v0::detail
