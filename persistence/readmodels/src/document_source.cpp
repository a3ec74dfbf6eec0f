#include "nexus/document_source.hpp"

#include <fmt/format.h>

#include "nexus/detail/may_wait.hpp"

namespace nexus { inline namespace v0 {
namespace {

using user = std::function<result<void>(document_storage&)>;

result<void> with_documents_of(session& of, std::string_view whose, const user& use) {
  if (auto* documents = of.documents()) return use(*documents);
  return fail(errc::unavailable, fmt::format("{} keeps no read models", whose));
}

}  // namespace

result<void> document_source::with(std::string_view borrower, const user& use) const {
  if (auto* const* storage = std::get_if<document_storage*>(&from_)) return use(**storage);
  if (auto* const* own = std::get_if<session*>(&from_)) {
    return with_documents_of(**own, "the database of this session", use);
  }
  // Also if a session is free: the database is waited for.
  if (auto why = detail::refuse_to_wait(borrower, "call it on a plain thread")) {
    return fail(*std::move(why));
  }
  const auto& in = std::get<store>(from_);
  auto lent = in.sessions().borrow({.borrower = std::string{borrower}});
  if (!lent) return fail(std::move(lent.error()));
  return with_documents_of(**lent, in.name(), use);
}

}}  // namespace nexus::v0
