#include "journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "text.hpp"

namespace bank {
namespace {

constexpr std::size_t page_max = 1000;

// Up to three names that contain `part`, ignoring case: for a mistyped account.
std::string similar(nexus::journal_session& session, std::string_view type, std::string_view part) {
  auto same = [](char a, char b) {
    auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return lower(a) == lower(b);
  };
  std::string names;
  int found = 0;
  // An error here only costs the hint.
  (void)for_each_id(session, type, [&](const auto& id) -> nexus::result<void> {
    const auto name = id.id();
    const bool hit =
        std::search(name.begin(), name.end(), part.begin(), part.end(), same) != name.end();
    if (hit && ++found <= 3) names += fmt::format("{} {}", found == 1 ? "" : ",", name);
    return {};
  });
  return found == 0 ? "" : fmt::format("; there is{}{}", names, found > 3 ? ", …" : "");
}

}  // namespace

nexus::result<nexus::store> open_for_import(const std::string& uri) {
  auto store = nexus::open(uri);
  const auto named = [&](std::string_view what) {
    return store.error().message.find(what) != std::string::npos;
  };
  const auto shown = nexus::uri::shown(uri);
  if (store || named(shown) || named(shown.substr(0, shown.find('?')))) return store;
  return nexus::fail(store.error().code, fmt::format("{}: {}", shown, store.error().message));
}

nexus::result<nexus::store> open_for_reading(const std::string& uri) {
  auto parsed = nexus::uri::parse(uri);
  std::error_code none;
  if (parsed && parsed->scheme == "sqlite" && !std::filesystem::exists(parsed->path, none)) {
    return nexus::fail(nexus::errc::invalid_argument,
                       fmt::format("{}: no such journal; `bank import FILE` makes one", uri));
  }
  return open_for_import(uri);
}

nexus::result<void> for_each_id(
    nexus::journal_session& session, std::string_view type,
    const std::function<nexus::result<void>(const nexus::persistence_id&)>& sink) {
  std::string after;
  for (;;) {
    auto page = session.ids({.type = type, .after = after}, page_max);
    if (!page) return nexus::fail(page.error());
    if (page->empty()) return {};
    for (const auto& id : *page) {
      if (auto done = sink(id); !done) return done;
    }
    after = type.empty() ? page->back().str() : std::string{page->back().id()};
  }
}

nexus::result<void> for_each_record(nexus::journal_session& session,
                                    const nexus::persistence_id& id,
                                    const nexus::record_sink& sink) {
  nexus::sequence_nr from = 1;
  for (bool more = true; more;) {
    std::size_t seen = 0;
    auto replayed = session.replay(id, from, nexus::sequence_nr_max, page_max,
                                   [&](const nexus::record_view& record) {
                                     ++seen;
                                     from = record.number + 1;
                                     return more = sink(record);
                                   });
    if (!replayed) return replayed;
    more = more && seen == page_max;
  }
  return {};
}

nexus::result<void> expect_account(nexus::journal_session& session, const nexus::persistence_id& id,
                                   const std::string& journal) {
  const auto highest = session.highest(id);
  if (!highest) return nexus::fail(highest.error());
  if (*highest > 0) return {};
  return nexus::fail(nexus::errc::invalid_argument,
                     fmt::format("{}: no account \"{}\"{}", nexus::uri::shown(journal), id.id(),
                                 similar(session, id.type(), id.id())));
}

int complain(std::string_view message, int code) {
  fmt::print(stderr, "bank: {}\n", printable(message));
  return code;
}

}  // namespace bank
