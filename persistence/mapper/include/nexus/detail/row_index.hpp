// A table in memory from keys of rows to what is known of them.
//
// A std::unordered_map takes an allocation per row, and a mapper in a transaction of its own has to
// build its map anew for each. This one keeps its entries in blocks, which do not move, and finds
// them by open addressing with linear probing.
//
// Threads: one at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus { inline namespace v0 { namespace detail {

template <class T>
class row_index {
 public:
  struct entry {
    std::string key{};
    T value{};
  };

  [[nodiscard]] std::size_t size() const noexcept { return used_; }

  /// Null: there is none. Valid until it is erased.
  [[nodiscard]] entry* find(std::string_view key) const noexcept {
    if (slots_.empty()) return nullptr;
    const auto number = slots_[place_of(key)];
    return number == none ? nullptr : &entries_[number];
  }

  /// The entry, and whether it is new.
  std::pair<entry*, bool> add(const std::string& key) {
    if (used_ >= slots_.size() / 2) grow();
    auto& slot = slots_[place_of(key)];
    if (slot != none) return {&entries_[slot], false};
    if (unused_.empty()) {
      entries_.emplace_back().key = key;
      slot = static_cast<number>(entries_.size() - 1);
    } else {
      entries_[unused_.back()].key = key;
      slot = unused_.back();
      unused_.pop_back();
    }
    ++used_;
    return {&entries_[slot], true};
  }

  void erase(const entry& one) {
    auto hole = place_of(one.key);
    const auto number = slots_[hole];
    unused_.push_back(number);
    entries_[number] = {};
    slots_[hole] = none;
    --used_;
    // An entry that was put behind its place, past the hole, is moved into it.
    for (auto at = next(hole); slots_[at] != none; at = next(at)) {
      const auto wanted = first_place(entries_[slots_[at]].key);
      if (((at - wanted) & mask()) < ((at - hole) & mask())) continue;
      slots_[hole] = std::exchange(slots_[at], none);
      hole = at;
    }
  }

  template <class F>
  void for_each(F&& f) {
    for (const auto at : slots_) {
      if (at != none) f(entries_[at].value);
    }
  }

  void clear() { *this = {}; }

 private:
  using number = std::uint32_t;
  static constexpr auto none = static_cast<number>(-1);
  static constexpr std::size_t slots_min = 16;

  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
  [[nodiscard]] std::size_t next(std::size_t at) const noexcept { return (at + 1) & mask(); }

  [[nodiscard]] std::size_t first_place(std::string_view key) const noexcept {
    std::uint64_t bits = 0;
    if (key.size() == sizeof bits) {
      std::memcpy(&bits, key.data(), sizeof bits);  // most keys are one integer
    } else {
      bits = std::hash<std::string_view>{}(key);
    }
    constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;  // D. Knuth: multiplicative hashing
    return static_cast<std::size_t>((bits * golden) >> (64 - std::countr_zero(slots_.size())));
  }

  // Where the key is, or would be put.
  [[nodiscard]] std::size_t place_of(std::string_view key) const noexcept {
    auto at = first_place(key);
    while (slots_[at] != none && entries_[slots_[at]].key != key) at = next(at);
    return at;
  }

  void grow() {
    auto before = std::move(slots_);
    slots_.assign(before.empty() ? slots_min : 2 * before.size(), none);
    for (const auto moved : before) {
      if (moved != none) slots_[place_of(entries_[moved].key)] = moved;
    }
  }

  std::vector<number> slots_;  // a power of two; at most half of them are used
  mutable std::deque<entry> entries_;
  std::vector<number> unused_;  // of `entries_`
  std::size_t used_ = 0;
};

}}}  // namespace nexus::v0::detail
