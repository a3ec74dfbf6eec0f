#include "ledger.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nexus/persistence_id.hpp>
#include <optional>
#include <sstream>

#include "account.hpp"
#include "csv.hpp"
#include "digest.hpp"
#include "money.hpp"

namespace bank {
namespace {

enum column : std::size_t { transaction, date, narration, account_name, amount, currency, columns };
constexpr std::array<std::string_view, columns> column_names{
    "transaction_id", "date", "narration", "account", "amount", "currency"};

struct reader {
  std::string_view name;
  std::vector<std::string> header;
  std::array<std::size_t, columns> field_of{};  // where each column is in a record

  [[nodiscard]] auto bad(std::uint64_t line, std::string_view where, std::string_view what) const {
    return nexus::fail(nexus::errc::invalid_argument,
                       fmt::format("{}:{}:{}: {}", name, line, where, what));
  }

  // The name of a field if the header has one, else its number from 1.
  [[nodiscard]] std::string field_name(std::size_t number) const {
    const bool named = number <= header.size() && !header[number - 1].empty();
    return named ? header[number - 1] : std::to_string(number);
  }

  [[nodiscard]] auto bad(const csv_error& e) const {
    return bad(e.line, field_name(e.field), e.message);
  }

  nexus::result<void> take_header(const std::optional<csv_record>& record) {
    if (!record) return bad(1, column_names[0], "the file is empty; its first line names columns");
    for (std::size_t c = 0; c < columns; ++c) {
      std::optional<std::size_t> found;
      for (std::size_t f = 0; f < record->fields.size(); ++f) {
        if (record->fields[f] != column_names[c]) continue;
        if (found) return bad(record->line, column_names[c], "the header names this column twice");
        found = f;
      }
      if (!found) return bad(record->line, column_names[c], "the header lacks this column");
      field_of[c] = *found;
    }
    header = record->fields;
    return {};
  }

  nexus::result<posting> take(csv_record& record) const {
    auto& fields = record.fields;
    if (fields.size() < header.size()) {
      return bad(
          record.line, field_name(fields.size() + 1),
          fmt::format("missing: the line has {} of {} fields", fields.size(), header.size()));
    }
    if (fields.size() > header.size()) {
      return bad(
          record.line, field_name(header.size() + 1),
          fmt::format("the line has {} fields, the header {}", fields.size(), header.size()));
    }
    auto cents = parse_hundredths(fields[field_of[amount]]);
    if (!cents) return bad(record.line, column_names[amount], cents.error().message);
    const auto& owner = fields[field_of[account_name]];
    if (owner.empty()) return bad(record.line, column_names[account_name], "is empty");
    if (auto id = nexus::persistence_id::make(account::entity_type, owner); !id) {
      return bad(record.line, column_names[account_name], id.error().message);
    }
    if (fields[field_of[currency]].empty()) {
      return bad(record.line, column_names[currency], "is empty");
    }
    return posting{.line = record.line,
                   .transaction = std::move(fields[field_of[transaction]]),
                   .date = std::move(fields[field_of[date]]),
                   .narration = std::move(fields[field_of[narration]]),
                   .account = std::move(fields[field_of[account_name]]),
                   .hundredths = *cents,
                   .currency = std::move(fields[field_of[currency]])};
  }
};

std::string identity(const posting& first) {
  digest d;
  d.add(first.transaction).add(first.date).add(first.narration).add(first.account);
  d.add(first.hundredths).add(first.currency);
  return fmt::format("{:016x}", d.value());
}

}  // namespace

nexus::result<ledger> parse_ledger(std::string_view name, std::string_view text) {
  csv_reader csv{text};
  reader from{.name = name, .header = {}};
  auto record = csv.next();
  if (!record) return from.bad(record.error());
  if (auto taken = from.take_header(*record); !taken) return nexus::fail(taken.error());

  ledger made;
  for (;;) {
    record = csv.next();
    if (!record) return from.bad(record.error());
    if (!*record) break;
    auto taken = from.take(**record);
    if (!taken) return nexus::fail(std::move(taken.error()));
    made.postings.push_back(std::move(*taken));
  }
  if (!made.postings.empty()) made.id = identity(made.postings.front());
  return made;
}

nexus::result<ledger> read_ledger(const std::string& file) {
  auto bad = [&](std::string_view why) {
    return nexus::fail(nexus::errc::invalid_argument, fmt::format("{}: {}", file, why));
  };
  std::error_code none;
  if (std::filesystem::is_directory(file, none)) return bad("is a directory, not a file");
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  if (!in) return bad(std::strerror(errno));
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad()) return bad(std::strerror(errno));
  return parse_ledger(file, text.view());
}

}  // namespace bank
