#include "nexus/load_state.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "nexus/detail/may_wait.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

constexpr std::size_t events_at_once = 1'000;

class loading {
 public:
  loading(journal_session& on, const persistence_id& id, const state_bound& bound,
          entity_model& model)
      : on_{on}, id_{id}, bound_{bound}, model_{model} {}

  // The highest number is read last, as in a recovery: a snapshot beyond it would look corrupt.
  result<loaded_facts> events() {
    if (auto from = begin(); !from) return fail(std::move(from.error()));
    auto highest = on_.highest(id_);
    if (!highest) return fail(named(std::move(highest.error())));
    const auto to = std::min(*highest, bound_.number.value_or(sequence_nr_max));
    while (facts_.number < to && !over_) {
      const auto before = facts_.number;
      if (auto read = replay(to); !read) return fail(std::move(read.error()));
      if (facts_.number == before && !over_) return fail(erased(before + 1));
    }
    return facts_;
  }

  result<loaded_facts> state() {
    auto found = on_.get_state(id_);
    if (!found) return fail(named(std::move(found.error())));
    const auto* is = *found ? &**found : nullptr;
    const bool later = is != nullptr && ((bound_.number && is->version > *bound_.number) ||
                                         (bound_.time && is->time > *bound_.time));
    if (later && !(bound_.number && *bound_.number == 0)) {
      return fail(errc::history_erased,
                  fmt::format("{}: only version {} is stored, a durable state has no history",
                              id_.str(), is->version));
    }
    if (is == nullptr || later) return begun();
    stored_snapshot as;
    as.number = is->version;
    if (!is->erased) {
      as.type = std::move(found->value().type);
      as.schema_version = is->schema_version;
      as.codec = std::move(found->value().codec);
      as.data = std::move(found->value().data);
    }
    if (auto restored = model_.restore(as); !restored) {
      return fail(named(prefixed("version", is->version, restored.error())));
    }
    return loaded_facts{is->version, is->time, 0, is->erased};
  }

 private:
  // From the newest snapshot within the bounds.
  result<void> begin() {
    for (auto to = bound_.number.value_or(sequence_nr_max); to > 0;) {
      auto found = on_.load_snapshot(id_, {.to = to});
      if (!found) return fail(named(std::move(found.error())));
      if (!*found) break;
      const auto& one = **found;
      if (bound_.time && one.time > *bound_.time) {
        to = one.number - 1;
        continue;
      }
      if (auto restored = model_.restore(one); !restored) {
        return fail(named(prefixed("snapshot", one.number, restored.error())));
      }
      facts_ = {one.number, one.time, one.number};
      return {};
    }
    if (auto made = begun(); !made) return fail(std::move(made.error()));
    return {};
  }

  result<loaded_facts> begun() {
    if (auto made = model_.begin(); !made) return fail(named(std::move(made.error())));
    return loaded_facts{};
  }

  result<void> replay(sequence_nr to) {
    std::optional<error> why;
    auto read = on_.replay(id_, facts_.number + 1, to, events_at_once, [&](const record_view& r) {
      if (r.number != facts_.number + 1) {
        why = erased(facts_.number + 1);
      } else if (bound_.time && r.event.time > *bound_.time) {
        over_ = true;
      } else if (auto done = model_.replay(r.event); !done) {
        why = named(prefixed("event", r.number, done.error()));
      } else {
        facts_.number = r.number;
        facts_.time = r.event.time;
        return true;
      }
      return false;
    });
    if (!read) return fail(named(std::move(read.error())));
    if (why) return fail(*std::move(why));
    return {};
  }

  [[nodiscard]] error erased(sequence_nr missing) const {
    return {errc::history_erased,
            fmt::format("{}: event {} has been erased, and no snapshot at or before the wanted "
                        "{} replaces it",
                        id_.str(), missing, bound_.time ? "time" : "number")};
  }
  static error prefixed(std::string_view what, sequence_nr number, const error& why) {
    return {why.code, fmt::format("{} {}: {}", what, number, why.message)};
  }
  // Errors of the storage may name the id already.
  [[nodiscard]] error named(error why) const {
    if (why.message.find(id_.str()) == std::string::npos) {
      why.message = fmt::format("{}: {}", id_.str(), why.message);
    }
    return why;
  }

  journal_session& on_;
  const persistence_id& id_;
  const state_bound& bound_;
  entity_model& model_;
  loaded_facts facts_;
  bool over_ = false;  // an event is past the wanted time
};

}  // namespace

result<loaded_facts> load_model(const store& from, std::string_view entity_type,
                                std::string_view id, bool of_state, const state_bound& bound,
                                entity_model& model) {
  auto name = persistence_id::make(entity_type, id);
  if (!name) return fail(std::move(name.error()));
  if (auto why = refuse_to_wait("load_state", "call it on a plain thread")) {
    why->message = fmt::format("{}: {}", name->str(), why->message);
    return fail(*std::move(why));
  }
  auto lent = from.sessions().borrow({.borrower = "load_state"});
  if (!lent) {
    lent.error().message = fmt::format("{}: {}", name->str(), lent.error().message);
    return fail(std::move(lent.error()));
  }
  loading one{**lent, *name, bound, model};
  return of_state ? one.state() : one.events();
}

}}}  // namespace nexus::v0::detail
