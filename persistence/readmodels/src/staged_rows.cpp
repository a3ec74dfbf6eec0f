#include "nexus/detail/staged_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nexus { inline namespace v0 {

std::string flush_error::message() const {
  return fmt::format("cannot {} {} \"{}\" of \"{}\"{}{}: {}", operation, model, id, repository,
                     table.empty() ? "" : fmt::format(" in {}", table),
                     context.empty() ? "" : fmt::format(" ({})", context), cause.message);
}

namespace detail {
namespace {

constexpr std::size_t part_ids = 256;
constexpr std::size_t part_bytes = 4 << 20;

std::size_t bytes_of(const std::optional<encoded_model>& value) {
  return value ? value->row.data.size() : 0;
}

}  // namespace

result<void> staged_rows::stage(const std::string& id, std::optional<encoded_model> value) {
  const auto found = rows_.find(id);
  const bool is_new = found == rows_.end();
  const auto bytes = bytes_ + bytes_of(value) - (is_new ? 0 : bytes_of(found->second.value));
  if ((is_new && rows_.size() >= pending_max) || bytes > pending_bytes_max) {
    return fail(errc::overloaded,
                fmt::format("{} models of {} bytes are staged, and there is no room for \"{}\": "
                            "flush first",
                            rows_.size(), bytes_, id));
  }
  auto& into = is_new ? rows_[id] : found->second;
  if (is_new) into.turn = ++turns_;
  into.value = std::move(value);
  bytes_ = bytes;
  return {};
}

result<void> staged_rows::save(encoded_model row) {
  const auto id = row.row.id;
  return stage(id, std::move(row));
}

result<void> staged_rows::remove(const std::string& id) { return stage(id, std::nullopt); }

const staged_rows::row* staged_rows::find(std::string_view id) const {
  const auto found = rows_.find(id);
  return found == rows_.end() ? nullptr : &found->second;
}

std::vector<std::string> staged_rows::in_order(bool saves) const {
  std::vector<std::pair<std::uint64_t, const std::string*>> chosen;
  for (const auto& [id, one] : rows_) {
    if (one.value.has_value() == saves) chosen.emplace_back(one.turn, &id);
  }
  std::ranges::sort(chosen);
  std::vector<std::string> ids;
  ids.reserve(chosen.size());
  for (const auto& [turn, id] : chosen) ids.push_back(*id);
  return ids;
}

pending_writes staged_rows::pending() const { return {in_order(false), in_order(true)}; }

void staged_rows::clear() {
  rows_.clear();
  bytes_ = 0;
}

void staged_rows::written(const std::string& id) {
  const auto found = rows_.find(id);
  bytes_ -= bytes_of(found->second.value);
  rows_.erase(found);
}

result<void> staged_rows::write(document_storage& in, std::span<const std::string> ids,
                                const write_some& some,
                                const std::function<void(const std::string&)>& done) {
  while (!ids.empty()) {
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < std::min(part_ids, ids.size()) && bytes < part_bytes;) {
      bytes += bytes_of(rows_.find(ids[count++])->second.value);
    }
    const auto part = ids.first(count);
    auto whole = some(in, part);
    if (!whole && count == 1) return whole;
    for (const auto& id : part) {
      if (!whole) {
        if (auto alone = some(in, std::span{&id, 1}); !alone) return alone;
      }
      done(id);
    }
    ids = ids.subspan(count);
  }
  return {};
}

flush_result staged_rows::flush(const model_rows& to, std::string_view context,
                                const std::function<void(const std::string&)>& removed) {
  const auto all = pending();
  if (rows_.empty()) return {};
  std::string table;
  std::string operation = "remove";
  auto done = to.with([&](document_storage& in) -> result<void> {
    table = in.table();
    const auto remove = [&](document_storage& from, std::span<const std::string> ids) {
      return from.remove(to.name(), ids).map([](std::size_t) {});
    };
    const auto save = [&](document_storage& into, std::span<const std::string> ids) {
      std::vector<document_write> rows;
      rows.reserve(ids.size());
      for (const auto& id : ids) rows.push_back(rows_.find(id)->second.value->write());
      return into.put(to.name(), rows, to.indexed());
    };
    auto gone = write(in, all.removes, remove, [&](const std::string& id) {
      written(id);
      removed(id);
    });
    if (!gone) return gone;
    return write(in, all.saves, save, [&](const std::string& id) { written(id); });
  });
  if (done) return {};
  // What is still staged, in its order, begins with the one that failed.
  auto left = in_order(false);
  if (left.empty()) {
    operation = "save";
    left = in_order(true);
  }
  return tl::unexpected<flush_error>{flush_error{operation, left.front(), table, to.name(),
                                                 to.model().type, std::string{context},
                                                 std::move(done.error())}};
}

}

}}  // namespace nexus::v0
