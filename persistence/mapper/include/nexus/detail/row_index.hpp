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
    explicit entry(std::string&& of) : key{std::move(of)} {}

    std::string key;
    T value{};
  };

  [[nodiscard]] std::size_t size() const noexcept { return used_; }

  /// Null: there is none. Valid until it is erased.
  [[nodiscard]] entry* find(std::string_view key) const noexcept {
    return slots_.empty() ? nullptr : slots_[place_of(key)];
  }

  /// The entry, and whether it is new.
  std::pair<entry*, bool> add(std::string&& key) {
    if (used_ >= slots_.size() / 2) grow();
    auto*& slot = slots_[place_of(key)];
    if (slot != nullptr) return {slot, false};
    if (unused_.empty()) {
      slot = &entries_.emplace_back(std::move(key));
    } else {
      slot = unused_.back();
      unused_.pop_back();
      slot->key = std::move(key);
    }
    ++used_;
    return {slot, true};
  }

  void erase(entry& one) noexcept {
    auto hole = place_of(one.key);
    slots_[hole] = nullptr;
    // An entry that stands behind its first place, past the hole, is moved into it.
    for (auto at = next(hole); slots_[at] != nullptr; at = next(at)) {
      const auto first = first_place(slots_[at]->key);
      if (((at - first) & mask()) < ((at - hole) & mask())) continue;
      slots_[hole] = std::exchange(slots_[at], nullptr);
      hole = at;
    }
    one = entry{{}};
    unused_.push_back(&one);  // has room, see `grow`
    --used_;
  }

  template <class F>
  void for_each(F&& f) {
    for (auto* const one : slots_) {
      if (one != nullptr) f(one->value);
    }
  }

  void clear() {
    slots_.clear();
    entries_.clear();
    unused_.clear();
    used_ = 0;
  }

 private:
  static constexpr std::size_t slots_min = 32;

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
    return static_cast<std::size_t>((bits * golden) >> shift_);
  }

  // Where the key is, or would be put.
  [[nodiscard]] std::size_t place_of(std::string_view key) const noexcept {
    auto at = first_place(key);
    while (slots_[at] != nullptr && slots_[at]->key != key) at = next(at);
    return at;
  }

  void grow() {
    std::vector<entry*> before(slots_.empty() ? slots_min : 2 * slots_.size(), nullptr);
    unused_.reserve(before.size() / 2);
    before.swap(slots_);
    shift_ = 64 - std::countr_zero(slots_.size());
    for (auto* const moved : before) {
      if (moved != nullptr) slots_[place_of(moved->key)] = moved;
    }
  }

  std::vector<entry*> slots_;  // a power of two; at most half of them are used
  int shift_ = 0;              // of a hash, to one of them
  std::deque<entry> entries_;
  std::vector<entry*> unused_;  // of `entries_`
  std::size_t used_ = 0;
};

}}}  // namespace nexus::v0::detail
