#include "server_core.hpp"

namespace nexus { inline namespace v0 { namespace http {
namespace {

std::string_view to_string(circuit now) {
  switch (now) {
    case circuit::closed:
      return "closed";
    case circuit::open:
      return "open";
    case circuit::half_open:
      return "half_open";
  }
  return "?";
}

}  // namespace

// An open breaker or a missing file of a storage makes it 503: clients should use another server. A
// fully lent pool does not, since it will be free again before another server is asked.
response health(bool serving, const std::vector<store>& stores,
                const std::function<pool_statistics()>& sessions) {
  bool good = serving;
  json said{{"status", "ok"}};
  for (const auto& one : stores) {
    const auto breaker = one.breaker();
    const auto trouble = one.trouble();
    good = good && breaker.now != circuit::open && !trouble;
    said["stores"].push_back({{"name", one.name()},
                              {"circuit", to_string(breaker.now)},
                              {"failures", breaker.failures},
                              {"openings", breaker.openings}});
    if (trouble) said["stores"].back()["trouble"] = trouble->message;
  }
  if (sessions) {
    const auto s = sessions();
    said["sessions"] = {{"max", s.max},          {"total", s.total},     {"idle", s.idle},
                        {"in_use", s.in_use},    {"opening", s.opening}, {"waiting", s.waiting},
                        {"timeouts", s.timeouts}};
  }
  if (!good) said["status"] = serving ? "unavailable" : "stopping";
  return response::json(said, good ? 200 : 503);
}

}}}  // namespace nexus::v0::http
