#include "nexus/ulid.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <random>

namespace nexus { inline namespace v0 {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr int time_bytes = 6;

std::uint64_t milliseconds_of(const clock& time) {
  auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.now().time_since_epoch());
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, since.count()));
}

}  // namespace

std::string ulid::to_string() const {
  // 128 bits are 25 characters of five bits behind one of three: walk the bits from the right.
  std::string text(26, '0');
  unsigned pending = 0;
  int bits = 0;
  auto at = text.rbegin();
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    pending |= static_cast<unsigned>(*byte) << bits;
    for (bits += 8; bits >= 5; bits -= 5, pending >>= 5) *at++ = alphabet[pending & 31];
  }
  *at = alphabet[pending & 31];
  return text;
}

result<ulid> ulid::parse(std::string_view text) {
  auto bad = [&] {
    return fail(errc::invalid_argument, "not a ULID: \"" + std::string{text} + "\"");
  };
  if (text.size() != 26 || text.front() > '7') return bad();
  ulid made;
  unsigned pending = 0;
  int bits = 0;
  auto at = made.bytes.rbegin();
  for (auto c = text.rbegin(); c != text.rend(); ++c) {
    auto value = alphabet.find(*c);
    if (value == std::string_view::npos) return bad();
    pending |= static_cast<unsigned>(value) << bits;
    bits += 5;
    if (bits >= 8 && at != made.bytes.rend()) {
      *at++ = static_cast<std::uint8_t>(pending);
      pending >>= 8;
      bits -= 8;
    }
  }
  return made;
}

namespace {

// A rising sequence of ids with its own randomness.
struct alignas(64) line {
  ulid next(std::uint64_t now_ms);

  std::mutex lock;
  std::optional<std::mt19937_64> random;  // large, and slow to seed: made when needed
  std::uint64_t last_ms = 0;
  ulid last;
};

ulid line::next(std::uint64_t now_ms) {
  std::lock_guard guard{lock};
  if (!random) {
    std::random_device seed;
    std::seed_seq sequence{seed(), seed(), seed(), seed()};
    random.emplace(sequence);
  }
  if (now_ms > last_ms || last.empty()) {
    last_ms = now_ms;
    auto low = (*random)();
    auto high = (*random)();
    for (int i = 0; i < time_bytes; ++i) {
      last.bytes[i] = static_cast<std::uint8_t>(now_ms >> (8 * (time_bytes - 1 - i)));
    }
    for (int i = 0; i < 8; ++i) last.bytes[6 + i] = static_cast<std::uint8_t>(low >> (8 * i));
    last.bytes[14] = static_cast<std::uint8_t>(high);
    last.bytes[15] = static_cast<std::uint8_t>(high >> 8);
    // The top bit stays free, so that counting up within a millisecond cannot run over.
    last.bytes[6] &= 0x7f;
  } else {
    for (auto byte = last.bytes.rbegin(); byte != last.bytes.rend(); ++byte) {
      if (++*byte != 0) break;
    }
  }
  return last;
}

// Threads are numbered in order of arrival, so that neighbours have different lines.
std::size_t this_thread() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

// A thread keeps its line; threads share lines only if there are more threads than lines.
struct ulid_generator::impl {
  explicit impl(const clock& t) : time{t} {}

  const clock& time;
  std::array<line, 16> lines;
};

ulid_generator::ulid_generator(const clock& time) : impl_{std::make_unique<impl>(time)} {}
ulid_generator::~ulid_generator() = default;

ulid ulid_generator::next() {
  const auto now_ms = milliseconds_of(impl_->time);
  return impl_->lines[this_thread() % impl_->lines.size()].next(now_ms);
}

}}  // namespace nexus::v0
