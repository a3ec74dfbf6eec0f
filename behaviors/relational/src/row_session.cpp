#include "row_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "nexus/detail/row_key.hpp"

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

std::int64_t micros(timestamp t) { return t.time_since_epoch().count(); }
timestamp at_micros(std::int64_t n) { return timestamp{std::chrono::microseconds{n}}; }

append_outcome outcome_of(error why) {
  if (may_pass_later(why) || of_storage(why)) return failed{std::move(why)};
  return rejected{std::move(why)};
}

}  // namespace

result<row_session::wanted> row_session::read(const upsert_request& request, std::string_view from,
                                              std::string_view to) const {
  wanted made;
  made.of = tables_->find(request.id.type());
  if (made.of == nullptr) {
    return fail(errc::invalid_argument,
                fmt::format("{}: no relational entities of this type are open", request.id.str()));
  }
  auto key = key_of_id(*made.of->root, request.id.id());
  if (!key) return fail(std::move(key.error()));
  made.key = *std::move(key);
  const auto decode = [](std::string_view bytes, std::optional<row_image>& into) -> result<void> {
    if (bytes.empty()) return {};
    auto image = unpacked(bytes);
    if (!image) return fail(std::move(image.error()));
    into = *std::move(image);
    return {};
  };
  if (auto done = decode(from, made.before); !done) return fail(done.error());
  if (auto done = decode(to, made.after); !done) return fail(done.error());
  return made;
}

result<append_outcome> row_session::write_one(const upsert_request& request, step_range steps) {
  const auto first = request.steps.subspan(steps.begin, steps.end - steps.begin);
  const auto what = read(request, first.front().metadata, first.back().data);
  if (!what) return rejected{what.error()};
  const row_change change{.key = what->key,
                          .before = what->before ? &*what->before : nullptr,
                          .after = what->after ? &*what->after : nullptr,
                          .version = static_cast<std::int64_t>(request.expected + steps.begin),
                          .next = static_cast<std::int64_t>(request.expected + steps.end)};
  auto written = write_rows(*inner_, *what->of, change);
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
  auto done = inner_->execute("DELETE FROM nexus_row_alarms WHERE type = $1 AND id = $2", id.type(),
                              id.id());
  if (done && request.due.what == due_change::kind::set) {
    done = inner_->execute(
        "INSERT INTO nexus_row_alarms (type, id, due, writer) VALUES ($1, $2, $3, $4)", id.type(),
        id.id(), micros(request.due.at), request.writer.to_string());
  }
  if (!done) return fail(std::move(done.error()));
  return {};
}

// All of them, or the halves, or one that fails alone.
result<void> row_session::write_each(requests asked, outcomes to) {
  if (auto set = inner_->execute(savepoint); !set) return fail(std::move(set.error()));
  std::optional<error> wrong;
  bool conflicts = false;
  for (std::size_t i = 0; i < asked.size() && !wrong; ++i) {
    auto outcome = write_one(asked[i], {0, asked[i].steps.size()});
    if (!outcome) {
      wrong = std::move(outcome.error());
      continue;
    }
    // What an entity has written before it found the conflict is taken back.
    conflicts = conflicts || !is_stored(*outcome);
    to[i] = *std::move(outcome);
  }
  if (!wrong && inner_->dialect() == "postgresql") {
    if (auto checked = inner_->execute(check_now); !checked) wrong = checked.error();
  }
  if (wrong && of_storage(*wrong)) return fail(*std::move(wrong));
  const bool alone = asked.size() == 1;
  if (wrong || conflicts) {
    if (auto undone = inner_->execute(undo); !undone) return fail(std::move(undone.error()));
  }
  if (auto kept = inner_->execute(keep); !kept) return fail(std::move(kept.error()));
  if (!wrong && !conflicts) return {};
  if (alone) {
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

result<void> row_session::mark() {
  const auto writer = marks_.to_string();
  auto done = inner_->execute("UPDATE nexus_row_writers SET batch = $1 WHERE writer = $2",
                              batch_ + 1, writer);
  if (done && done->affected == 0) {
    done = inner_->execute("INSERT INTO nexus_row_writers (writer, batch) VALUES ($1, $2)", writer,
                           batch_ + 1);
  }
  if (!done) return fail(std::move(done.error()));
  return {};
}

result<void> row_session::commit_all(requests asked, outcomes to) {
  if (auto begun = begin_rows(); !begun) return begun;
  auto written = write_each(asked, to);
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
      if (is_stored(to[i])) doubtful_[asked[i].id.str()] = std::nullopt;  // else it is superseded
      to[i] = unknown{why};
    }
    return {};
  }
  if (asked.size() == 1 || of_storage(why)) return done;
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

std::vector<append_outcome> row_session::upsert(requests asked) {
  std::vector<append_outcome> made(asked.size(), failed{});
  if (asked.empty()) return made;
  auto done = resolve();
  if (done) done = commit_all(asked, made);
  if (!done) std::ranges::fill(made, outcome_of(std::move(done.error())));
  return made;
}

// The commit in doubt is settled before anything else is written: its marker says what became of
// it. A commit of our own comes first, so that the old attempt cannot be made any more.
result<void> row_session::resolve() {
  if (!doubt_) return {};
  const auto writer = marks_.to_string();
  auto ended = inner_->execute("UPDATE nexus_row_writers SET settled = settled + 1 WHERE writer = $1",
                               writer);
  if (!ended) return fail(std::move(ended.error()));
  auto found = inner_->query<std::int64_t>("SELECT batch FROM nexus_row_writers WHERE writer = $1",
                                           writer);
  if (!found) return fail(std::move(found.error()));
  const bool is_made = !found->empty() && found->front() == batch_ + 1;
  if (is_made) ++batch_;
  for (auto& [id, what] : doubtful_) {
    if (!what) what = is_made ? settlement::stored : settlement::not_stored;
  }
  doubt_.reset();
  return {};
}

result<settlement> row_session::settle(const upsert_request& request) {
  if (auto done = resolve(); !done) return fail(std::move(done.error()));
  const auto known = doubtful_.find(request.id.str());
  if (known == doubtful_.end()) return settlement::superseded;
  const auto what = *known->second;
  doubtful_.erase(known);
  return what;
}

result<std::optional<stored_state>> row_session::get_state(const persistence_id& id) {
  const auto of = tables_->find(id.type());
  if (of == nullptr) {
    return fail(errc::invalid_argument,
                fmt::format("{}: no relational entities of this type are open", id.str()));
  }
  const auto key = key_of_id(*of->root, id.id());
  if (!key) return fail(key.error());
  auto found = read_rows(*inner_, *of, *key);
  if (!found) return fail(std::move(found.error()));
  if (!*found) return std::optional<stored_state>{};
  stored_state made;
  const auto& root = *of->root;
  const auto* version = root.version && (*found)->root[*root.version]
                            ? std::get_if<std::int64_t>(&*(*found)->root[*root.version])
                            : nullptr;
  if (root.version && version == nullptr) {
    return fail(errc::corrupt, fmt::format("{}: the row {} has no version",
                                           root.place(*root.version), id.id()));
  }
  made.version = version != nullptr ? static_cast<sequence_nr>(*version) : 1;
  made.type = id.type();
  made.codec = "row";
  made.data = packed(**found);
  return std::optional{std::move(made)};
}

result<std::vector<stored_alarm>> row_session::due(std::uint32_t strand, const due_filter& which,
                                                   std::size_t max) {
  std::vector<stored_alarm> made;
  if (strand != 0) return made;
  for (const auto type : which.types) {
    // In the order of due times and whole ids, past `after`.
    auto from = INT64_MIN;
    std::string_view past;
    if (which.after != nullptr) {
      const auto& last = which.after->id;
      const bool comes_later = type > last.type();
      from = micros(which.after->due) + (type == last.type() || comes_later ? 0 : 1);
      if (type == last.type()) past = last.id();
    }
    auto found = inner_->query<std::string, std::int64_t, std::string>(
        "SELECT id, due, writer FROM nexus_row_alarms WHERE type = $1 AND due <= $2 AND due >= $3 "
        "AND (due > $3 OR id > $4) ORDER BY due, id LIMIT $5",
        type, micros(which.until), from, past, static_cast<std::int64_t>(max));
    if (!found) return fail(std::move(found.error()));
    for (const auto& [id, due, writer] : *found) {
      auto of = persistence_id::make(type, id);
      auto by = ulid::parse(writer);
      if (!of || !by) {
        const error why{errc::corrupt, fmt::format("the alarm of {}|{} is no alarm", type, id)};
        if (which.on_corrupt == nullptr) return fail(why);
        (*which.on_corrupt)(why);
        continue;
      }
      made.push_back({*std::move(of), at_micros(due), *by});
    }
  }
  const auto order = [](const stored_alarm& a, const stored_alarm& b) {
    return std::pair{a.due, a.id.str()} < std::pair{b.due, b.id.str()};
  };
  std::ranges::sort(made, order);
  if (made.size() > max) made.erase(made.begin() + static_cast<std::ptrdiff_t>(max), made.end());
  return made;
}

result<std::optional<stored_alarm>> row_session::alarm_of(const persistence_id& id) {
  auto found = inner_->query<std::int64_t, std::string>(
      "SELECT due, writer FROM nexus_row_alarms WHERE type = $1 AND id = $2", id.type(), id.id());
  if (!found) return fail(std::move(found.error()));
  if (found->empty()) return std::optional<stored_alarm>{};
  const auto& [due, writer] = found->front();
  auto by = ulid::parse(writer);
  if (!by) return fail(errc::corrupt, id.str() + ": the alarm has no writer");
  return std::optional{stored_alarm{id, at_micros(due), *by}};
}

result<std::vector<due_type>> row_session::due_types(std::uint32_t strand, timestamp until,
                                                     std::uint64_t count_max) {
  std::vector<due_type> made;
  if (strand != 0) return made;
  auto found = inner_->query<std::string, std::int64_t, std::int64_t>(
      "SELECT type, count(*), min(due) FROM nexus_row_alarms WHERE due <= $1 GROUP BY type "
      "ORDER BY type",
      micros(until));
  if (!found) return fail(std::move(found.error()));
  for (const auto& [type, count, first] : *found) {
    made.push_back({type, std::min(static_cast<std::uint64_t>(count), count_max),
                    at_micros(first)});
  }
  return made;
}

}}}  // namespace nexus::v0::detail
