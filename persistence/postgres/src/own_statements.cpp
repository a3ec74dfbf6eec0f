#include "own_statements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

template <std::size_t N>
bool among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

constexpr std::array<std::string_view, 6> preparable{"INSERT", "UPDATE", "DELETE",
                                                     "SELECT", "WITH",   "VALUES"};

// They change neither settings nor types, unless a function that they call does.
constexpr std::array<std::string_view, 21> harmless{
    "TABLE",  "BEGIN",   "START",     "COMMIT",  "END",     "ROLLBACK", "ABORT",
    "LOCK",   "DECLARE", "SAVEPOINT", "RELEASE", "FETCH",   "MOVE",     "CLOSE",
    "LISTEN", "NOTIFY",  "UNLISTEN",  "SHOW",    "EXPLAIN", "MERGE",    "TRUNCATE"};

constexpr std::array<std::string_view, 4> ends{"COMMIT", "END", "ROLLBACK", "ABORT"};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// The text from this word on; also in a literal or a comment. Empty: it has no such word.
std::string_view from(std::string_view word, std::string_view sql) {
  const auto found = std::search(sql.begin(), sql.end(), word.begin(), word.end(),
                                 [](char of_sql, char letter) { return upper(of_sql) == letter; });
  return {found, sql.end()};
}
bool contains(std::string_view sql, std::string_view word) { return !from(word, sql).empty(); }

std::string random_prefix() {
  std::random_device device;
  return fmt::format("nexus_own_{:08x}{:08x}_", device(), device());
}

}  // namespace

own_statements::own_statements() : prefix_{random_prefix()} {}

void own_statements::note_other(std::string_view word, std::string_view sql) {
  if (word == "BEGIN" || word == "START") others_in_transaction_ = false;
  if (among(ends, word) && others_in_transaction_) forget();  // SET and DDL may be undone
  if (among(harmless, word)) return;
  had_others_ = others_in_transaction_ = true;
  const bool deallocates = word == "DEALLOCATE" || word == "DISCARD";
  if (deallocates && contains(from(word, sql).substr(word.size()), "ALL")) {
    lose();
  } else {
    forget();
  }
}

own_statements::known* own_statements::use(std::string_view sql, std::span<const Oid> types) {
  const auto word = detail::first_word(sql);
  if (!among(preparable, word) || contains(sql, "SET_CONFIG")) {
    note_other(word, sql);
    return nullptr;
  }
  const bool makes_table = word == "SELECT" && contains(sql, "INTO");
  if (stopped_ || sql.size() > text_bytes_max || makes_table) return nullptr;
  const auto found = std::find_if(known_.rbegin(), known_.rend(), [&](const known& one) {
    return one.text == sql && std::ranges::equal(one.types, types);
  });
  if (found == known_.rend()) {
    if (known_.size() == known_max) drop(&known_.front());
    known_.push_back({std::string{sql}, {types.begin(), types.end()}});
    return nullptr;
  }
  std::rotate(std::next(found).base(), found.base(), known_.end());
  auto& one = known_.back();
  if (one.name.empty()) one.name = fmt::format("{}{}", prefix_, ++made_);
  return &one;
}

void own_statements::drop(known* one) {
  if (one->prepared) dropped_.push_back(std::move(one->name));
  known_.erase(known_.begin() + (one - known_.data()));
}

void own_statements::forget() {
  while (!known_.empty()) drop(&known_.back());
}

void own_statements::lose() {
  known_.clear();
  dropped_.clear();
}

void own_statements::stop() {
  lose();
  stopped_ = true;
}

std::string own_statements::deallocate() {
  std::string all;
  for (const auto& name : std::exchange(dropped_, {})) all += fmt::format("DEALLOCATE {};", name);
  return all;
}

}}}  // namespace nexus::v0::postgres
