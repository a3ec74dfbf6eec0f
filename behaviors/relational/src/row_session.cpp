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
  const auto decode = [](std::string_view from, std::optional<row_image>& to) -> result<void> {
    if (from.empty()) return {};
    auto image = unpacked(from);
    if (!image) return fail(std::move(image.error()));
    to = *std::move(image);
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
  return stored{};
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

result<void> row_session::begin() {
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
  if (auto begun = begin(); !begun) return begun;
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

}}}  // namespace nexus::v0::detail
