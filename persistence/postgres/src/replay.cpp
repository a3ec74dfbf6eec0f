// Reading and listing records, and erasing them.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "nexus/journal_checks.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

// libpq holds a whole result in memory, so the first page has few rows, and later pages as many
// rows as make about so many bytes.
constexpr std::int64_t first_page_rows = 32;
constexpr std::int64_t page_rows_max = 4'096;
constexpr std::int64_t page_bytes = 4 << 20;

// Events of an id erased by one transaction: more would delay others, and exceed the timeout.
constexpr std::int64_t erase_max = 10'000;

class paging {
 public:
  [[nodiscard]] std::int64_t rows(std::size_t left) const {
    return left < static_cast<std::size_t>(rows_) ? static_cast<std::int64_t>(left) : rows_;
  }
  void seen(const record_view& r) {
    ++count_;
    bytes_ += static_cast<std::int64_t>(r.event.data.size() + r.event.metadata.size() +
                                        r.event.type.size() + 64);
  }
  void next() {
    if (count_ > 0)
      rows_ = std::clamp<std::int64_t>(page_bytes * count_ / bytes_, 1, page_rows_max);
  }

 private:
  std::int64_t rows_ = first_page_rows;
  std::int64_t count_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace

result<sequence_nr> session::highest(const persistence_id& id) {
  return with_connection("read the highest number", [&](connection& c) -> result<sequence_nr> {
    array one{element::text};
    one.bytes(id.str());
    return static_cast<sequence_nr>(c.query(core_->sql.highest, parameters{}.all(one)).int8(0, 0));
  });
}

template <class Read>
result<void> session::replay_pages(const statement& reading, const persistence_id& id,
                                   sequence_nr from, sequence_nr to, std::size_t max,
                                   const record_sink& sink, Read read) {
  return with_connection("replay", [&](connection& c) -> result<void> {
    paging pages;
    while (from <= to && from <= sequence_nr_max && max > 0) {
      const auto asked = pages.rows(max);
      parameters range;
      range.text(id.str()).int8(column_nr(from)).int8(column_nr(to)).int8(asked);
      const auto found = c.query(reading, range);
      record_reader reader{found};
      for (int row = 0; row < found.size(); ++row) {
        record_view record;
        if (auto bad = read(reader, row, record); !bad.empty()) {
          return fail(
              corrupt_row(core_->where.name, stored_kind::event, id, found.int8(row, 0), bad));
        }
        if (!sink(record)) return {};
        pages.seen(record);
        from = record.number + 1;
      }
      if (found.size() < asked) return {};
      max -= static_cast<std::size_t>(asked);
      pages.next();
    }
    return {};
  });
}

result<void> session::replay(const persistence_id& id, sequence_nr from, sequence_nr to,
                             std::size_t max, const record_sink& sink) {
  return replay_pages(
      core_->sql.read_events, id, from, to, max, sink,
      [](record_reader& r, int row, record_view& into) { return r.record(row, into); });
}

result<void> session::replay_payloads(const persistence_id& id, sequence_nr from, sequence_nr to,
                                      std::size_t max, const record_sink& sink) {
  return replay_pages(
      core_->sql.read_payloads, id, from, to, max, sink,
      [](record_reader& r, int row, record_view& into) { return r.payload(row, into); });
}

result<void> session::read_all(position after, std::size_t max, const journal_sink& sink) {
  return with_connection("read the journal", [&](connection& c) -> result<void> {
    paging pages;
    while (max > 0) {
      const auto asked = pages.rows(max);
      parameters range;
      range.int8(static_cast<std::int64_t>(after.major)).int8(column_nr(after.minor)).int8(asked);
      const auto found = c.query(core_->sql.read_all, range);
      record_reader reader{found};
      for (int row = 0; row < found.size(); ++row) {
        auto id = persistence_id::parse(found.bytes(row, 11));
        if (!id) {
          return fail(errc::corrupt, fmt::format("{}: {}", core_->where.name, id.error().message));
        }
        record_view record;
        if (auto bad = reader.record(row, record); !bad.empty()) {
          return fail(
              corrupt_row(core_->where.name, stored_kind::event, *id, found.int8(row, 0), bad));
        }
        if (!sink(*id, record)) return {};
        pages.seen(record);
        after = record.at;
      }
      if (found.size() < asked) return {};
      max -= static_cast<std::size_t>(asked);
      pages.next();
    }
    return {};
  });
}

result<std::optional<std::string>> session::held_back() {
  using held = result<std::optional<std::string>>;
  return with_connection("find out what holds back readers", [&](connection& c) -> held {
    const auto found = c.query(core_->sql.held_back);
    if (found.size() == 0) return std::nullopt;
    return std::string{found.bytes(0, 0)};
  });
}

result<void> session::erase_to(const persistence_id& id, sequence_nr to) {
  const prune_request all{id, 0, to};
  return prune({&all, 1});
}

result<void> session::prune(std::span<const prune_request> requests) {
  array of_snapshots{element::text};
  array below{element::int8};
  array of_events{element::text};
  array upto{element::int8};
  for (const auto& r : requests) {
    if (r.snapshots_below > 0) {
      of_snapshots.bytes(r.id.str());
      below.int8(column_nr(r.snapshots_below));
    }
    if (r.events_to > 0) {
      of_events.bytes(r.id.str());
      upto.int8(column_nr(r.events_to));
    }
  }
  return with_connection("erase", [&](connection& c) -> result<void> {
    if (of_snapshots.size() > 0) {
      c.query(core_->sql.prune_snapshots, parameters{}.all(of_snapshots).all(below));
    }
    if (of_events.size() == 0) return {};
    parameters range;
    range.all(of_events).all(upto).int8(erase_max);
    // An id may have more events than one transaction erases; then another one follows.
    while (c.query(core_->sql.erase_events, range).affected() >= erase_max) {
    }
    return {};
  });
}

// `type|…` up to the first id past it, or all ids.
result<std::vector<persistence_id>> session::list(const statement& listing, std::string_view doing,
                                                  std::string_view type, std::string_view after,
                                                  std::size_t max) {
  if (!may_have_ids(type)) return std::vector<persistence_id>{};
  const auto from = type.empty() ? std::string{after} : fmt::format("{}|{}", type, after);
  const auto to = fmt::format("{}{}", type, static_cast<char>('|' + 1));
  using listed = result<std::vector<persistence_id>>;
  return with_connection(doing, [&](connection& c) -> listed {
    parameters range;
    range.text(from);
    if (type.empty()) {
      range.null();
    } else {
      range.text(to);
    }
    range.int8(column_nr(max));
    const auto found = c.query(listing, range);
    std::vector<persistence_id> ids;
    for (int row = 0; row < found.size(); ++row) {
      auto id = persistence_id::parse(found.bytes(row, 0));
      if (!id) {
        return fail(errc::corrupt, fmt::format("{}: {}", core_->where.name, id.error().message));
      }
      ids.push_back(std::move(*id));
    }
    return ids;
  });
}

result<std::vector<persistence_id>> session::ids(std::string_view type, std::string_view after,
                                                 std::size_t max) {
  return list(core_->sql.list_ids, "list ids", type, after, max);
}

result<std::vector<persistence_id>> session::state_ids(std::string_view type,
                                                       std::string_view after, std::size_t max) {
  return list(core_->sql.list_states, "list states", type, after, max);
}

}}}  // namespace nexus::v0::postgres
