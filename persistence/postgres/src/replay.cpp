// Reading and listing records.
#include <fmt/format.h>

#include "nexus/journal_checks.hpp"
#include "paging.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

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
    paging pages{core_->page_rows};
    while (from <= to && from <= sequence_nr_max && max > 0) {
      const auto asked = pages.rows(max);
      parameters range;
      range.text(id.str()).int8(column_nr(from)).int8(column_nr(to)).int8(asked);
      const auto found = c.query(reading, range);
      record_reader reader{found, core_->epoch};
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

// Passes the event of a row whose columns are those of read_all.
result<bool> session::pass_row(const rows& found, record_reader& reader, int row,
                               record_view& record, const journal_sink& sink) {
  auto id = persistence_id::parse(found.bytes(row, 11));
  if (!id) return fail(errc::corrupt, core_->where.name + ": " + id.error().message);
  if (auto bad = reader.record(row, record); !bad.empty()) {
    return fail(corrupt_row(core_->where.name, stored_kind::event, *id, found.int8(row, 0), bad));
  }
  return sink(*id, record);
}

result<void> session::read_all(reading_start from, std::size_t max, const journal_sink& sink) {
  if (auto why = foreign(from.after, 1, core_->epoch, core_->where.name)) {
    return fail(*std::move(why));
  }
  return with_connection("read the journal", [&](connection& c) -> result<void> {
    paging pages{core_->page_rows};
    auto after = from.after;
    do {
      const auto asked = pages.rows(max);
      parameters range;
      range.int8(static_cast<std::int64_t>(after.major)).int8(column_nr(after.minor)).int8(asked);
      const auto found = c.query(core_->sql.read_all, range);
      if (found.boolean(0, 13)) return fail(past_the_end(after, core_->where.name));
      if (!from.from_kept && found.boolean(0, 12)) {
        return fail(erased_past(after, core_->where.name));
      }
      if (found.is_null(0, 0)) return {};
      record_reader reader{found, core_->epoch};
      for (int row = 0; row < found.size(); ++row) {
        record_view record;
        auto more = pass_row(found, reader, row, record, sink);
        if (!more) return fail(std::move(more.error()));
        if (!*more) return {};
        pages.seen(record);
        after = record.at;
      }
      if (found.size() < asked) return {};
      max -= static_cast<std::size_t>(asked);
      pages.next();
    } while (max > 0);
    return {};
  });
}

result<position> session::last(std::uint32_t) {
  return with_connection("find the last event", [&](connection& c) -> result<position> {
    const auto& sql = core_->queries.of(
        core_->where.tables.named("SELECT transaction_id, position FROM nexus_event_journal "
                                  "ORDER BY transaction_id DESC, position DESC LIMIT 1"));
    const auto found = c.query(sql);
    if (found.size() == 0) return position{};
    return position{.epoch = core_->epoch,
                    .major = static_cast<std::uint64_t>(found.int8(0, 0)),
                    .minor = static_cast<std::uint64_t>(found.int8(0, 1))};
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

result<std::vector<persistence_id>> session::list(const statement& listing, std::string_view doing,
                                                  const id_filter& which, std::size_t max) {
  using listed = result<std::vector<persistence_id>>;
  const auto between = id_range::of(which);
  if (!between) return listed{};
  return with_connection(doing, [&](connection& c) -> listed {
    parameters range;
    range.text(between->from);
    if (between->before.empty()) {
      range.null();
    } else {
      range.text(between->before);
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

result<std::vector<persistence_id>> session::ids(const id_filter& which, std::size_t max) {
  return list(core_->sql.list_ids, "list ids", which, max);
}

result<std::vector<persistence_id>> session::state_ids(const id_filter& which, std::size_t max) {
  return list(core_->sql.list_states, "list states", which, max);
}

}}}  // namespace nexus::v0::postgres
