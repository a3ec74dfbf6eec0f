#include "journal_guard.hpp"

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/logger.hpp"

namespace nexus { inline namespace v0 {

// Only if all outcomes are such failures: any other outcome means that the storage works.
std::optional<error> journal_guard::trouble(const std::vector<append_outcome>& outcomes) {
  std::optional<error> last;
  for (const auto& outcome : outcomes) {
    if (const auto* f = std::get_if<failed>(&outcome); f && counts_for_breaker(f->why.code)) {
      last = f->why;
    } else if (const auto* u = std::get_if<unknown>(&outcome)) {
      last = u->why;
    } else {
      return std::nullopt;
    }
  }
  return last;
}

result<void> journal_guard::read(journal_session& session,
                                 const std::function<result<void>(journal_session&)>& f) {
  return through(session, [&](journal_session& on) {
    result<void> done;
    (void)detail::guarded([&] { done = f(on); },
                          [&](const std::string& what) {
                            detail::log().error("{}: a read threw: {}", journal_, what);
                          });
    return done;
  });
}

void journal_guard::report(circuit_breaker::ticket of, const std::optional<error>& trouble) {
  using change = circuit_breaker::change;
  if (!trouble) {
    if (breaker_.succeeded(of) == change::closed) {
      detail::log().info("{}: works again, the circuit breaker is closed", journal_);
    }
  } else if (breaker_.failed(of, now(), *trouble) == change::opened) {
    const auto status = breaker_.status();
    detail::log().warn("{}: {} failures in a row, the circuit breaker opens: {}", journal_,
                       status.failures, trouble->message);
  }
}

}}  // namespace nexus::v0
