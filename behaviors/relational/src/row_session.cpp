#include "row_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "nexus/clock.hpp"
#include "nexus/detail/row_key.hpp"
#include "nexus/schema_choices.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

constexpr std::string_view savepoint = "SAVEPOINT nexus_rows";
constexpr std::string_view undo = "ROLLBACK TO SAVEPOINT nexus_rows";
constexpr std::string_view keep = "RELEASE SAVEPOINT nexus_rows";

// A row that others hold locked must not hold up the rows of other entities for long.
constexpr std::string_view wait_shortly = "SET LOCAL lock_timeout = '1s'";
// A constraint that is checked late is checked while it can be told whose it is.
constexpr std::string_view check_now = "SET CONSTRAINTS ALL IMMEDIATE";

bool is_stored(const append_outcome& what) { return std::holds_alternative<stored>(what); }
bool wrote(const append_outcome& what) {
  const auto* some = std::get_if<partly>(&what);
  return is_stored(what) || (some != nullptr && some->count > 0);
}

// Without the storage nothing else can be written either.
bool of_storage(const error& why) {
  return why.code == errc::unavailable || why.code == errc::pool_closed ||
         why.code == errc::outcome_unknown || why.code == errc::corrupt;
}

// Another attempt may succeed: a lock, a deadlock, a collision of transactions.
bool may_pass_later(const error& why) { return why.code == errc::serialization_failed; }

// Markers of writers that have not written for so long are purged.
constexpr std::chrono::hours marker_kept{24 * 7};

append_outcome outcome_of(error why) {
  if (may_pass_later(why) || of_storage(why)) return failed{std::move(why)};
  return rejected{std::move(why)};
}

}  // namespace

row_session::row_session(std::unique_ptr<journal_session> inner,
                         std::shared_ptr<const row_tables> tables, ulid marks)
    : inner_{std::move(inner)},
      sql_{[&]() -> statements {
        schema_choices names;
        names.prefix = inner_->table_prefix();
        return {
            .make_marker = names.named("INSERT INTO nexus_row_writers (writer, batch, settled, "
                                       "timestamp) VALUES ($1, 0, 0, $2) ON CONFLICT DO NOTHING"),
            .mark = names.named("UPDATE nexus_row_writers SET batch = $1, timestamp = $2 "
                                "WHERE writer = $3"),
            .settle = names.named("UPDATE nexus_row_writers SET settled = settled + 1 "
                                  "WHERE writer = $1"),
            .batch = names.named("SELECT batch FROM nexus_row_writers WHERE writer = $1"),
            .purge = names.named("DELETE FROM nexus_row_writers WHERE timestamp < $1"),
            .clear_alarm =
                names.named("DELETE FROM nexus_row_alarms WHERE entity_type = $1 AND id = $2"),
            .set_alarm = names.named("INSERT INTO nexus_row_alarms (entity_type, id, due, "
                                     "writer_id) VALUES ($1, $2, $3, $4)"),
            .due = names.named("SELECT id, due, writer_id FROM nexus_row_alarms "
                               "WHERE entity_type = $1 AND due <= $2 AND due >= $3 "
                               "AND (due > $3 OR id > $4) ORDER BY due, id LIMIT $5"),
            .alarm_of = names.named("SELECT due, writer_id FROM nexus_row_alarms "
                                    "WHERE entity_type = $1 AND id = $2"),
            .due_types = names.named("SELECT entity_type, count(*), min(due) FROM "
                                     "nexus_row_alarms WHERE due <= $1 GROUP BY entity_type "
                                     "ORDER BY entity_type")};
      }()},
      tables_{std::move(tables)},
      marks_{marks} {}

sequence_nr row_session::fresh_number() {
  const auto now = static_cast<sequence_nr>(std::max<std::int64_t>(micros(wall_clock{}.now()), 1));
  return last_number_ = std::max(last_number_ + 1, now);
}

result<std::shared_ptr<const entity_tables>> row_session::tables_of(std::string_view type) const {
  auto found = tables_->find(type);
  if (found != nullptr) return found;
  return fail(errc::invalid_argument,
              fmt::format("no relational entities of type \"{}\" are open", type));
}

// Without a change of the row, which must still be the same one.
result<append_outcome> row_session::write_alarm(const upsert_request& request) {
  const auto is = get_state(request.id);
  if (!is) return fail(is.error());
  const auto of = tables_of(request.id.type());
  if (!of) return rejected{of.error()};
  const bool same = !(*is)->erased && (!(*of)->root->version || (*is)->version == request.expected);
  if (!same) return conflict{request.expected};
  if (auto changed = change_alarm(request); !changed) return fail(std::move(changed.error()));
  return stored{};
}

result<bool> row_session::is_there(const upsert_request& request) {
  if (request.steps.empty() || !request.steps.front().metadata.empty()) return false;
  const auto is = get_state(request.id);
  if (!is) return fail(is.error());
  return !(*is)->erased;
}

result<append_outcome> row_session::write_one(const upsert_request& request, step_range steps) {
  if (request.only_due()) return write_alarm(request);
  // Most requests of a batch are of one type.
  if (latest_tables_ == nullptr || latest_type_ != request.id.type()) {
    auto of = tables_of(request.id.type());
    if (!of) return rejected{std::move(of.error())};
    latest_tables_ = *std::move(of);
    latest_type_ = request.id.type();
  }
  const auto some = request.steps.subspan(steps.begin, steps.end - steps.begin);
  row_change change{.key = {},
                    .before = some.front().metadata,
                    .after = some.back().data,
                    .version = static_cast<std::int64_t>(request.expected + steps.begin),
                    .next = static_cast<std::int64_t>(request.expected + steps.end)};
  column_set columns;
  if (some.size() > 1 && change.updates_columns(*latest_tables_)) {
    for (const auto& step : some) columns.add(column_set::unpacked(step.metadata));
    change.before = columns.packed();
  }
  if (!change.updates_columns(*latest_tables_)) {
    if (auto done = read_key(*latest_tables_->root, request.id.id(), key_); !done) {
      return rejected{std::move(done.error())};
    }
    change.key = key_;
  }
  auto written = changer_.write(*latest_tables_, change);
  if (!written) return fail(std::move(written.error()));
  if (!*written) return conflict{request.expected};
  const bool is_last = steps.end == request.steps.size();
  if (request.due && is_last) {
    if (auto changed = change_alarm(request); !changed) return fail(std::move(changed.error()));
  }
  return stored{};
}

result<void> row_session::change_alarm(const upsert_request& request) {
  const auto& id = request.id;
  auto done = inner_->execute(sql_.clear_alarm, id.type(), id.id());
  if (done && request.due.what == due_change::kind::set) {
    done = inner_->execute(sql_.set_alarm, id.type(), id.id(), micros(request.due.at),
                           request.writer.to_string());
  }
  if (!done) return fail(std::move(done.error()));
  return {};
}

// Up to the first error.
row_session::attempt row_session::write_through(requests asked, outcomes to) {
  attempt made;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto outcome = write_one(asked[i], {0, asked[i].steps.size()});
    if (!outcome) {
      made.wrong = std::move(outcome.error());
      return made;
    }
    // What an entity has written before it found the conflict is taken back.
    made.conflicts = made.conflicts || !is_stored(*outcome);
    to[i] = *std::move(outcome);
  }
  if (inner_->dialect() == "postgresql") {
    if (auto checked = inner_->execute(check_now); !checked) made.wrong = checked.error();
  }
  return made;
}

// Most batches have nothing to take back. For a savepoint SQLite copies each page that changes, and
// PostgreSQL is asked twice more.
result<void> row_session::write_all(requests asked, outcomes to) {
  constexpr unsigned careful_batches = 16;
  if (careful_ > 0) {
    --careful_;
    return write_each(asked, to);
  }
  const auto made = write_through(asked, to);
  if (!made.wrong && !made.conflicts) return {};
  if (made.wrong && of_storage(*made.wrong)) return fail(*made.wrong);
  careful_ = careful_batches;
  if (auto undone = inner_->rollback(); !undone) return undone;
  if (auto begun = begin_rows(); !begun) return begun;
  return write_each(asked, to);
}

// All of them, or the halves, or one that fails alone.
result<void> row_session::write_each(requests asked, outcomes to) {
  if (auto set = inner_->execute(savepoint); !set) return fail(std::move(set.error()));
  auto [wrong, conflicts] = write_through(asked, to);
  if (wrong && of_storage(*wrong)) return fail(*std::move(wrong));
  const bool alone = asked.size() == 1;
  if (wrong || conflicts) {
    if (auto undone = inner_->execute(undo); !undone) return fail(std::move(undone.error()));
  }
  if (auto kept = inner_->execute(keep); !kept) return fail(std::move(kept.error()));
  if (!wrong && !conflicts) return {};
  if (alone) {
    // Which columns a constraint has, PostgreSQL tells only after the transaction.
    if (wrong && wrong->broken && wrong->broken->kind == constraint_kind::unique) {
      auto found = is_there(asked[0]);
      if (!found) return fail(std::move(found.error()));
      if (*found) {
        to[0] = conflict{asked[0].expected};
        return {};
      }
    }
    if (wrong) to[0] = outcome_of(*std::move(wrong));
    const bool has_earlier = asked[0].steps.size() > 1;
    return has_earlier && std::holds_alternative<rejected>(to[0]) ? write_steps(asked[0], to[0])
                                                                  : result<void>{};
  }
  const auto half = asked.size() / 2;
  if (auto done = write_each(asked.first(half), to.first(half)); !done) return done;
  return write_each(asked.subspan(half), to.subspan(half));
}

// The states that one write was to replace at once, in their order, up to the one that is refused.
result<void> row_session::write_steps(const upsert_request& asked, append_outcome& to) {
  for (std::size_t i = 0; i < asked.steps.size(); ++i) {
    if (auto set = inner_->execute(savepoint); !set) return fail(std::move(set.error()));
    auto outcome = write_one(asked, {i, i + 1});
    std::optional<error> wrong;
    if (!outcome) {
      wrong = std::move(outcome.error());
    } else if (const auto* r = std::get_if<rejected>(&*outcome)) {
      wrong = r->why;
    } else if (!is_stored(*outcome)) {
      wrong = error{errc::conflict, "another writer was first"};
    } else if (inner_->dialect() == "postgresql") {
      if (auto checked = inner_->execute(check_now); !checked) wrong = checked.error();
    }
    if (wrong && of_storage(*wrong)) return fail(*std::move(wrong));
    if (wrong) {
      if (auto undone = inner_->execute(undo); !undone) return fail(std::move(undone.error()));
    }
    if (auto kept = inner_->execute(keep); !kept) return fail(std::move(kept.error()));
    if (wrong) {
      to = partly{i, *std::move(wrong)};
      return {};
    }
  }
  to = stored{};  // each state fits, though not all changes in one statement
  return {};
}

result<void> row_session::begin_rows() {
  if (auto begun = inner_->begin(isolation::read_committed, false); !begun) return begun;
  if (inner_->dialect() != "postgresql") return {};
  auto set = inner_->execute(wait_shortly);
  if (!set) return fail(std::move(set.error()));
  return {};
}

result<void> row_session::make_marker() {
  if (is_marked_) return {};
  const auto now = wall_clock{}.now();
  auto done = inner_->execute(sql_.make_marker, marks_.to_string(), micros(now));
  if (done) done = inner_->execute(sql_.purge, micros(now - marker_kept));
  if (!done) return fail(std::move(done.error()));
  is_marked_ = true;
  return {};
}

result<void> row_session::mark() {
  auto done =
      inner_->execute(sql_.mark, batch_ + 1, micros(wall_clock{}.now()), marks_.to_string());
  if (!done) return fail(std::move(done.error()));
  if (done->affected == 1) return {};
  is_marked_ = false;
  return fail(errc::unavailable, "the marker of this writer was purged");
}

result<void> row_session::commit_all(requests asked, outcomes to) {
  if (auto begun = begin_rows(); !begun) return begun;
  auto written = write_all(asked, to);
  if (written && std::ranges::any_of(to, wrote)) written = mark();
  if (!written) {
    (void)inner_->rollback();
    return written;
  }
  auto done = inner_->commit();
  if (done) {
    ++batch_;
    return {};
  }
  const auto why = done.error();
  if (why.code == errc::outcome_unknown) {
    doubt_ = why;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (!wrote(to[i])) continue;
      const auto if_made = is_stored(to[i]) ? settlement::stored : settlement::superseded;
      doubtful_[asked[i].id.str()] = {if_made};
      to[i] = unknown{why};
    }
    return {};
  }
  if (of_storage(why)) return done;
  if (asked.size() == 1) {
    if (asked[0].steps.size() < 2) return done;
    auto made = commit_steps(asked[0]);
    if (!made) return fail(std::move(made.error()));
    to[0] = *std::move(made);
    return {};
  }
  // SQLite checks deferred constraints only now, and tells not whose they are.
  const auto half = asked.size() / 2;
  const auto part = [&](requests some, outcomes of) {
    auto made = resolve();
    if (made) made = commit_all(some, of);
    if (!made) std::ranges::fill(of, outcome_of(std::move(made.error())));
  };
  part(asked.first(half), to.first(half));
  part(asked.subspan(half), to.subspan(half));
  return {};
}

// For a constraint that SQLite checks at the commit.
result<append_outcome> row_session::commit_steps(const upsert_request& asked) {
  for (std::size_t i = 0; i < asked.steps.size(); ++i) {
    if (auto begun = begin_rows(); !begun) return fail(std::move(begun.error()));
    auto outcome = write_one(asked, {i, i + 1});
    auto done = outcome ? result<void>{} : fail(outcome.error());
    if (done && !is_stored(*outcome)) done = fail(errc::conflict, "another writer was first");
    if (done) done = mark();
    const bool commits = done.has_value();
    done = commits ? inner_->commit() : done;
    if (done) {
      ++batch_;
      continue;
    }
    if (!commits) (void)inner_->rollback();
    if (done.error().code == errc::outcome_unknown) {
      doubt_ = done.error();
      const bool is_last = i + 1 == asked.steps.size();
      doubtful_[asked.id.str()] = {
          .if_made = is_last ? settlement::stored : settlement::superseded,
          .if_not = i == 0 ? settlement::not_stored : settlement::superseded};
      return unknown{std::move(done.error())};
    }
    return partly{i, std::move(done.error())};
  }
  return stored{};
}

std::vector<append_outcome> row_session::upsert(requests asked) {
  std::vector<append_outcome> made(asked.size(), failed{});
  if (asked.empty()) return made;
  latest_tables_ = nullptr;  // there may be other tables by now
  auto done = resolve();
  if (done) done = make_marker();
  if (done) done = commit_all(asked, made);
  if (!done) std::ranges::fill(made, outcome_of(std::move(done.error())));
  return made;
}

// The commit in doubt is settled before anything else is written: its marker says what became of
// it. A commit of our own comes first, so that the old attempt cannot be made any more.
result<void> row_session::resolve() {
  if (!doubt_) return {};
  const auto writer = marks_.to_string();
  auto ended = inner_->execute(sql_.settle, writer);
  if (!ended) return fail(std::move(ended.error()));
  auto found = inner_->query<std::int64_t>(sql_.batch, writer);
  if (!found) return fail(std::move(found.error()));
  // Without the marker nothing is known; then its rows are read again.
  const bool is_lost = found->empty();
  const bool is_made = !is_lost && found->front() == batch_ + 1;
  if (is_made) ++batch_;
  if (is_lost) is_marked_ = false;
  for (auto& [id, what] : doubtful_) {
    if (what.is) continue;
    what.is = is_lost ? settlement::superseded : is_made ? what.if_made : what.if_not;
  }
  doubt_.reset();
  return {};
}

result<settlement> row_session::settle(const upsert_request& request) {
  if (auto done = resolve(); !done) return fail(std::move(done.error()));
  const auto known = doubtful_.find(request.id.str());
  // Asked after a conflict: what conflicts is not stored.
  if (known == doubtful_.end()) return settlement::not_stored;
  const auto what = known->second.is.value_or(settlement::superseded);
  doubtful_.erase(known);
  return what;
}

result<std::optional<stored_state>> row_session::get_state(const persistence_id& id) {
  const auto known = tables_of(id.type());
  if (!known) return fail(known.error());
  const auto& of = *known;
  const auto key = key_of_id(*of->root, id.id());
  if (!key) return fail(key.error());
  // Of several tables as of one time.
  const bool reads_apart = !of->owned.empty() && !inner_->in_transaction();
  if (reads_apart) {
    if (auto begun = inner_->begin(isolation::repeatable_read, true); !begun) {
      return fail(std::move(begun.error()));
    }
  }
  auto found = read_rows(*inner_, *of, *key);
  if (reads_apart) (void)inner_->rollback();
  if (!found) return fail(std::move(found.error()));
  if (!*found) return std::optional{stored_state{.version = fresh_number(), .erased = true}};
  stored_state made;
  const auto& root = *of->root;
  const auto version = (*found)->version;
  if (root.version && !version) {
    return fail(errc::corrupt,
                fmt::format("{}: the row {} has no version", root.place(*root.version), id.id()));
  }
  made.version = version ? static_cast<sequence_nr>(*version) : fresh_number();
  made.type = id.type();
  made.codec = "row";
  made.data = std::move((*found)->bytes);
  return std::optional{std::move(made)};
}

}}}  // namespace nexus::v0::detail
