#include "nexus/ulid.hpp"

#include <algorithm>
#include <mutex>
#include <random>

namespace nexus::inline v0 {
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

struct ulid_generator::impl {
  explicit impl(const clock& t) : time{t} {
    std::random_device seed;
    std::seed_seq sequence{seed(), seed(), seed(), seed()};
    random.seed(sequence);
  }

  const clock& time;
  std::mutex lock;
  std::mt19937_64 random;
  std::uint64_t last_ms = 0;
  ulid last;
};

ulid_generator::ulid_generator(const clock& time) : impl_{std::make_unique<impl>(time)} {}
ulid_generator::~ulid_generator() = default;

ulid ulid_generator::next() {
  auto& self = *impl_;
  std::lock_guard guard{self.lock};
  auto now_ms = milliseconds_of(self.time);
  if (now_ms > self.last_ms || self.last.empty()) {
    self.last_ms = now_ms;
    auto low = self.random();
    auto high = self.random();
    for (int i = 0; i < time_bytes; ++i) {
      self.last.bytes[i] = static_cast<std::uint8_t>(now_ms >> (8 * (time_bytes - 1 - i)));
    }
    for (int i = 0; i < 8; ++i) self.last.bytes[6 + i] = static_cast<std::uint8_t>(low >> (8 * i));
    self.last.bytes[14] = static_cast<std::uint8_t>(high);
    self.last.bytes[15] = static_cast<std::uint8_t>(high >> 8);
    // The top bit stays free, so that counting up within a millisecond cannot run over.
    self.last.bytes[6] &= 0x7f;
  } else {
    for (auto byte = self.last.bytes.rbegin(); byte != self.last.bytes.rend(); ++byte) {
      if (++*byte != 0) break;
    }
  }
  return self.last;
}

}  // namespace nexus::inline v0
