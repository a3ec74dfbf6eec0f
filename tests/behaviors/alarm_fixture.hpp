// Entities with alarms in virtual time, and alarms that another process has left.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nexus/document_storage.hpp>
#include <nexus/nexus.hpp>
#include <nexus/sqlite.hpp>
#include <nexus/stepping.hpp>
#include <nexus/testkit/faulty.hpp>
#include <string>
#include <vector>

#include "hold.hpp"
#include "temporary_folder.hpp"

namespace nexus::test {

/// A process: a stepped system with a store on a file, and its own time.
class alarm_process {
 public:
  explicit alarm_process(const std::string& uri, std::shared_ptr<const clock> time = {})
      : sys{{.time = std::move(time), .stepped = true}},
        faults{std::make_shared<testkit::faults>()},
        journal{*nexus::open(
            uri,
            {testkit::faulty(memory_backend(), faults), testkit::faulty(sqlite_backend(), faults)},
            {.runs_on = sys.stepping()->storages()})} {}

  void advance(time_span d) {
    if (auto done = sys.stepping()->advance(d); !done) ADD_FAILURE() << done.error().message;
  }
  template <class R>
  result<R> get(asked<R> a) {
    (void)sys.stepping()->run_until([&] { return a.is_answered(); }, std::chrono::minutes{2});
    return a.get({});
  }
  template <class B = hold>
  void reserve(entities<B>& holds, const std::string& id, std::chrono::milliseconds d) {
    auto done = get(holds.of(id).ask(typename B::reserve{d.count()}));
    ASSERT_TRUE(done) << done.error().message;
  }
  /// How often it has expired, as stored. Wakes nothing.
  std::int64_t times_expired(const std::string& id, std::string_view type = "hold") {
    std::int64_t n = 0;
    auto session = *journal.open_session();
    const auto name = *persistence_id::make(type, id);
    (void)session->replay(name, 1, 1'000, 1'000, [&](const record_view& r) {
      n += r.event.type == "expired";
      return true;
    });
    return n;
  }
  std::optional<stored_alarm> alarm_of(const std::string& id, std::string_view type = "hold") {
    return *(*journal.open_session())->alarm_of(*persistence_id::make(type, id));
  }
  /// Stores what a process with this writer id would have left.
  void left_by(const ulid& writer, const std::string& id, timestamp due,
               std::string_view type = "hold", bool with_alarm = true) {
    const auto data = encode(hold::reserved{hold::us(due)});
    const event_view event{.type = "reserved", .data = data, .time = due};
    const append_request request{*persistence_id::make(type, id),
                                 0,
                                 writer,
                                 {&event, 1},
                                 with_alarm ? due_change::set(due) : due_change{}};
    auto done = (*journal.open_session())->append({&request, 1});
    ASSERT_TRUE(std::holds_alternative<stored>(done.front()));
  }
  void beat(const ulid& writer, const std::string& value) {
    auto session = *journal.open_session();
    ASSERT_TRUE(session->documents()->put(
        "nexus.heartbeats", {writer.to_string(), "nexus.heartbeat", 1, "text", value}));
  }
  std::string heartbeat_of(const ulid& writer) {
    auto session = *journal.open_session();
    auto found = session->documents()->get("nexus.heartbeats", writer.to_string());
    return found && *found ? (*found)->data : "";
  }
  double metric(std::string_view name) {
    double sum = 0;
    for (const auto& family : sys.metrics().collect()) {
      if (family.name != name) continue;
      for (const auto& one : family.samples) {
        sum += one.buckets.empty() ? one.value : static_cast<double>(one.buckets.back().count);
      }
    }
    return sum;
  }

  nexus::system sys;
  std::shared_ptr<testkit::faults> faults;
  store journal;
};

/// Resets what alarms do.
struct alarm_test : testing::Test {
  alarm_test() { expiry = at_expiry::expires; }
};

}
