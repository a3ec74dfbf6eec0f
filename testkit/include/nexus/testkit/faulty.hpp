// A backend that behaves like another one, except where a test injects a fault:
//
//   auto faults = std::make_shared<nexus::testkit::faults>();
//   auto store = nexus::open("memory:", {nexus::testkit::faulty(nexus::memory_backend(), faults)});
//   …
// the next append is done, its answer is lost
// three reads of alice fail
// commits wait
//   ASSERT_TRUE(faults->wait_for(operation::append, 1));
//   faults->release(operation::append);
//   EXPECT_EQ(faults->calls(operation::append), 1u);
//
// In a batch of appends or upserts each id has its own fault, and the others are done as if it were
// not there. A call with one answer for all its ids (save_snapshots, prune) fails if one of them
// does. SQL of the program fails by statement, as the database's own errors do. Without faults it
// passes the journal contract if the inner backend does.
//
// Threads: those of the inner backend. Throws: what the inner backend throws.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "nexus/backend.hpp"
#include "nexus/testkit/detail/faulty_sql.hpp"
#include "nexus/testkit/faults.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

class faulty_session final : public journal_session {
 public:
  faulty_session(std::unique_ptr<journal_session> inner, std::shared_ptr<faults> told)
      : inner_{std::move(inner)}, faults_{std::move(told)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    return write(requests,
                 [&](std::span<const append_request> some) { return inner_->append(some); });
  }
  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override {
    return write(requests,
                 [&](std::span<const upsert_request> some) { return inner_->upsert(some); });
  }
  result<settlement> settle(const append_request& request) override {
    return call(operation::settle, request.id, [&] { return inner_->settle(request); });
  }
  result<settlement> settle(const upsert_request& request) override {
    return call(operation::settle, request.id, [&] { return inner_->settle(request); });
  }

  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    return call(operation::read, id, [&] { return inner_->replay(id, from, to, max, sink); });
  }
  result<void> replay_payloads(const persistence_id& id, sequence_nr from, sequence_nr to,
                               std::size_t max, const record_sink& sink) override {
    return call(operation::read, id,
                [&] { return inner_->replay_payloads(id, from, to, max, sink); });
  }
  std::uint32_t strands() const noexcept override { return inner_->strands(); }
  result<void> read_all(reading_start from, std::size_t max, const journal_sink& sink) override {
    return without_id(operation::read, "everything", [&] {
      return faults_->holder() ? result<void>{} : inner_->read_all(from, max, sink);
    });
  }
  result<page_info> query(const event_filter& filter, const event_page& page,
                          const journal_sink& sink) override {
    return without_id(operation::read, "a query", [&] {
      return faults_->holder() ? result<page_info>{} : inner_->query(filter, page, sink);
    });
  }
  result<std::uint64_t> count(const event_filter& filter) override {
    return without_id(operation::read, "a query", [&] { return inner_->count(filter); });
  }
  result<std::string> explain(const event_filter& filter) override {
    return without_id(operation::read, "a query", [&] { return inner_->explain(filter); });
  }
  result<position> last(std::uint32_t strand) override {
    return without_id(operation::read, "the last event", [&] { return inner_->last(strand); });
  }
  result<void> save_reader(const stored_reader& reader) override {
    return without_id(operation::save, "a reader", [&] { return inner_->save_reader(reader); });
  }
  result<std::vector<stored_reader>> readers() override {
    return without_id(operation::read, "readers", [&] { return inner_->readers(); });
  }
  result<void> forget_reader(std::string_view name) override {
    return without_id(operation::save, "a reader", [&] { return inner_->forget_reader(name); });
  }
  result<std::optional<std::string>> held_back() override {
    if (auto holder = faults_->holder()) return holder;
    return inner_->held_back();
  }
  result<sequence_nr> highest(const persistence_id& id) override {
    return call(operation::read, id, [&] { return inner_->highest(id); });
  }
  result<std::vector<stored_alarm>> due(std::uint32_t strand, const due_filter& which,
                                        std::size_t max) override {
    return without_id(operation::read, "alarms", [&] { return inner_->due(strand, which, max); });
  }
  result<std::optional<stored_alarm>> alarm_of(const persistence_id& id) override {
    return call(operation::read, id, [&] { return inner_->alarm_of(id); });
  }
  result<std::vector<due_type>> due_types(std::uint32_t strand, timestamp until,
                                          std::uint64_t count_max) override {
    return without_id(operation::read, "alarms",
                      [&] { return inner_->due_types(strand, until, count_max); });
  }
  result<std::vector<persistence_id>> ids(const id_filter& which, std::size_t max) override {
    return without_id(operation::read, "ids", [&] { return inner_->ids(which, max); });
  }
  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id& id,
                                                       snapshot_bounds within) override {
    return call(operation::read, id, [&] { return inner_->load_snapshot(id, within); });
  }
  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                    snapshot_bounds within,
                                                    std::size_t max) override {
    return call(operation::read, id, [&] { return inner_->snapshot_numbers(id, within, max); });
  }
  result<std::optional<stored_state>> get_state(const persistence_id& id) override {
    return call(operation::read, id, [&] { return inner_->get_state(id); });
  }
  result<std::vector<persistence_id>> state_ids(const id_filter& which, std::size_t max) override {
    return without_id(operation::read, "ids", [&] { return inner_->state_ids(which, max); });
  }
  result<void> read_states(position after, std::size_t max, const state_sink& sink) override {
    return without_id(operation::read, "states",
                      [&] { return inner_->read_states(after, max, sink); });
  }

  result<void> erase_to(const persistence_id& id, sequence_nr to, erasing how) override {
    return call(operation::erase, id, [&] { return inner_->erase_to(id, to, how); });
  }
  result<void> erase_snapshots(const persistence_id& id, snapshot_bounds within) override {
    return call(operation::erase, id, [&] { return inner_->erase_snapshots(id, within); });
  }
  result<void> prune(std::span<const prune_request> requests) override {
    return call_for_all(operation::erase, requests, [&] { return inner_->prune(requests); });
  }
  result<std::size_t> prune_held_back(std::size_t max) override {
    return without_id(operation::erase, "what readers held back",
                      [&] { return inner_->prune_held_back(max); });
  }
  result<void> save_snapshots(std::span<const snapshot_request> requests) override {
    return call_for_all(operation::save, requests,
                        [&] { return inner_->save_snapshots(requests); });
  }

  result<sql_rows> run_sql(std::string_view sql, sql_parameters with) override {
    return sql_.run(sql, with);
  }
  result<void> begin(isolation level, bool read_only) override {
    return sql_.begin(level, read_only);
  }
  result<void> commit() override { return sql_.commit(); }
  result<void> rollback() override { return sql_.rollback(); }
  result<isolation> level() override { return inner_->level(); }
  bool has_sql() const noexcept override { return inner_->has_sql(); }
  std::string_view dialect() const noexcept override { return inner_->dialect(); }
  // Their statements have no faults, except that a failed transaction does not commit them.
  document_storage* documents() noexcept override { return inner_->documents(); }
  nexus::detail::undo_log& undoes() noexcept override { return inner_->undoes(); }
  projection_storage* projections() noexcept override { return inner_->projections(); }
  bool broken() const noexcept override { return sql_.lost() || inner_->broken(); }
  bool unfinished() const noexcept override { return sql_.unfinished(); }
  bool touched() const noexcept override { return inner_->touched(); }
  result<void> reset(const std::string& query) override { return inner_->reset(query); }
  result<void> validate(const std::string& query) override { return inner_->validate(query); }
  void interrupt() noexcept override { inner_->interrupt(); }

 private:
  static error why(const told_fault& wrong, operation of, const std::string& whose) {
    if (wrong.why) return *wrong.why;
    static constexpr std::array names{"append", "read", "erase", "save", "settle"};
    const auto code = wrong.what == fault::reject     ? errc::invalid_argument
                      : wrong.what == fault::conflict ? errc::conflict
                                                      : errc::unavailable;
    return {code, std::string{"faulty store: the "} + names.at(static_cast<std::size_t>(of)) +
                      " of " + whose + " fails, as the test injected"};
  }

  template <class Do>
  std::invoke_result_t<Do> answer(const std::optional<told_fault>& wrong, operation of,
                                  const std::string& whose, Do work) {
    if (!wrong) return work();
    if (*wrong == fault::lose_answer) (void)work();
    return nexus::fail(why(*wrong, of, whose));
  }

  template <class Do>
  std::invoke_result_t<Do> call(operation of, const persistence_id& id, Do work) {
    faults_->begin(of, 1);
    return answer(faults_->take(of, &id), of, id.str(), work);
  }
  template <class Do>
  std::invoke_result_t<Do> without_id(operation of, const std::string& what, Do work) {
    faults_->begin(of, 1);
    return answer(faults_->take(of, nullptr), of, what, work);
  }
  // All or none: done unless more than the answer is lost.
  template <class Request, class Do>
  std::invoke_result_t<Do> call_for_all(operation of, std::span<const Request> requests, Do work) {
    faults_->begin(of, requests.size());
    std::optional<told_fault> wrong;
    std::string whose;
    for (const auto& request : requests) {
      auto one = faults_->take(of, &request.id);
      if (!one || (wrong && *wrong != fault::lose_answer)) continue;
      wrong = std::move(one);
      whose = request.id.str();
    }
    return answer(wrong, of, whose, work);
  }

  template <class Request, class Do>
  std::vector<append_outcome> write(std::span<const Request> requests, Do work) {
    faults_->begin(operation::append, requests.size());
    std::vector<std::optional<told_fault>> wrong;
    std::vector<Request> sent;
    for (const auto& request : requests) {
      wrong.push_back(faults_->take(operation::append, &request.id));
      if (!wrong.back() || *wrong.back() == fault::lose_answer) sent.push_back(request);
    }
    auto done = work(sent);
    std::vector<append_outcome> outcomes;
    auto next = done.begin();
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!wrong[i]) {
        outcomes.push_back(std::move(*next++));
        continue;
      }
      if (*wrong[i] == fault::lose_answer) ++next;
      outcomes.push_back(outcome(*wrong[i], requests[i]));
    }
    return outcomes;
  }

  template <class Request>
  append_outcome outcome(const told_fault& wrong, const Request& request) {
    auto told = why(wrong, operation::append, request.id.str());
    switch (wrong.what) {
      case fault::fail:
        return failed{std::move(told)};
      case fault::reject:
        return rejected{std::move(told)};
      case fault::conflict:
        return conflict_with(request);
      default:
        return unknown{std::move(told)};
    }
  }
  append_outcome conflict_with(const append_request& request) {
    auto highest = inner_->highest(request.id);
    if (!highest) return failed{std::move(highest.error())};
    return nexus::conflict{*highest};
  }
  append_outcome conflict_with(const upsert_request& request) {
    auto found = inner_->get_state(request.id);
    if (!found) return failed{std::move(found.error())};
    return nexus::conflict{*found ? (*found)->version : 0};
  }

  std::unique_ptr<journal_session> inner_;
  std::shared_ptr<faults> faults_;
  detail::faulty_sql sql_{*inner_, *faults_};
};

class faulty_watch final : public journal_watch {
 public:
  faulty_watch(std::unique_ptr<journal_watch> inner, std::shared_ptr<faults> told)
      : inner_{std::move(inner)}, faults_{std::move(told)} {}

  result<void> wait(std::chrono::nanoseconds within) override {
    faults_->begin(operation::watch, 1);
    if (auto wrong = faults_->take(operation::watch, nullptr)) {
      if (wrong->why) return nexus::fail(*std::move(wrong->why));
      return nexus::fail(errc::unavailable, "faulty store: the watch fails, as the test injected");
    }
    return inner_->wait(within);
  }
  void wake() noexcept override { inner_->wake(); }

 private:
  std::unique_ptr<journal_watch> inner_;
  std::shared_ptr<faults> faults_;
};

class faulty_journal final : public journal {
 public:
  faulty_journal(std::shared_ptr<journal> inner, std::shared_ptr<faults> told)
      : inner_{std::move(inner)}, faults_{std::move(told)} {}

  result<std::unique_ptr<journal_session>> open_session() override {
    auto opened = inner_->open_session();
    if (!opened) return opened;
    return std::make_unique<faulty_session>(std::move(*opened), faults_);
  }
  result<std::unique_ptr<journal_watch>> watch() override {
    auto made = inner_->watch();
    if (!made) return made;
    return std::make_unique<faulty_watch>(std::move(*made), faults_);
  }
  journal_limits limits() const override { return inner_->limits(); }
  std::optional<error> trouble() override { return inner_->trouble(); }
  std::string name() const override { return inner_->name(); }
  std::uint32_t strands() const noexcept override { return inner_->strands(); }
  unsigned writers() const override { return inner_->writers(); }

 private:
  std::shared_ptr<journal> inner_;
  std::shared_ptr<faults> faults_;
};

/// `inner` under its own scheme, with the faults of `told`, which all stores opened with it share.
[[nodiscard]] inline backend faulty(backend inner, std::shared_ptr<faults> told) {
  inner.open = [open = std::move(inner.open),
                told = std::move(told)](const uri& where) -> result<std::shared_ptr<journal>> {
    auto opened = open(where);
    if (!opened) return opened;
    return std::make_shared<faulty_journal>(std::move(*opened), told);
  };
  return inner;
}

}}}  // namespace nexus::v0::testkit
