#include "listing.hpp"

#include <fmt/format.h>

#include "money.hpp"
#include "text.hpp"

namespace orders {

nexus::result<std::int64_t> cents_of(std::string_view argument, const std::string& text) {
  const auto cents = bank::parse_hundredths(text);
  if (!cents) {
    return nexus::fail(cents.error().code, fmt::format("{}: {}", argument, cents.error().message));
  }
  if (*cents < 0) {
    return nexus::fail(nexus::errc::invalid_argument,
                       fmt::format("{}: \"{}\" is below zero", argument, text));
  }
  return *cents;
}

nexus::result<list_filter> filter_of(const filter_texts& is, const filter_names& names) {
  list_filter made;
  if (!is.customer.empty()) made.customer = is.customer;
  if (!is.status.empty()) {
    made.status = status_named(is.status);
    if (!made.status) {
      return nexus::fail(
          nexus::errc::invalid_argument,
          fmt::format("{}: \"{}\" is not one of open, paying, paid, shipped, cancelled",
                      names.status, is.status));
    }
  }
  if (!is.total_min.empty()) {
    const auto cents = cents_of(names.total_min, is.total_min);
    if (!cents) return nexus::fail(cents.error());
    made.cents_min = *cents;
  }
  return made;
}

std::string report(const books& is) {
  const auto count = [](std::int64_t n) { return bank::grouped(static_cast<std::uint64_t>(n)); };
  using enum bank::table::align;
  bank::table rows{{left, right}};
  rows.add({"orders", count(is.orders)});
  rows.add({"paid or shipped", count(is.paid)});
  rows.add({"being paid", count(is.paying)});
  rows.add({"total of the paid orders", bank::format_hundredths(is.paid_cents)});
  rows.add({"the shop's account", bank::format_hundredths(is.shop_cents)});
  rows.add({"spent by the customers", bank::format_hundredths(is.spent_cents)});
  return rows.str() + (is.agree() ? "the sums agree\n" : "the sums differ\n");
}

}  // namespace orders
