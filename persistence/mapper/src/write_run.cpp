// What all writes share: listeners, validation, the transaction, and what is set on entities.
#include "write_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "nexus/detail/guarded.hpp"

namespace nexus { inline namespace v0 { namespace detail {

timestamp write_run::now() {
  if (!now_) now_ = of_.time->now();
  return *now_;
}

result<bool> write_run::ask(moment when, void* entity, store_item& item) {
  if (!how_.listeners) return true;
  for (const auto& one : of_.listeners) {
    if (one.when != when) continue;
    bool goes_on = false;
    std::string thrown;
    const bool whole = guarded([&] { goes_on = one.call(entity); },
                               [&](std::string why) { thrown = std::move(why); });
    if (!whole) {
      return fail(errc::rejected, fmt::format("table {}: the listener \"{}\" threw: {}", of_.name,
                                              one.name, thrown));
    }
    if (!goes_on) {
      item.what = stored_as::cancelled;
      item.cancelled_by = one.name;
      return false;
    }
  }
  return true;
}

void write_run::tell(moment when, void* entity, store_item& item) {
  if (!how_.listeners) return;
  for (const auto& one : of_.listeners) {
    if (one.when != when) continue;
    (void)guarded([&] { one.call(entity); },
                  [&](const std::string& why) {
                    item.thrown.push_back(fmt::format("the listener \"{}\": {}", one.name, why));
                  });
  }
}

void write_run::tell_times(void* entity, bool created, store_item& item) {
  if (!of_.stamp_hook) return;
  (void)guarded(
      [&] { of_.stamp_hook(entity, now(), created); },
      [&](const std::string& why) { item.thrown.push_back("the hook of times: " + why); });
}

result<void> write_run::validate(const void* entity, const row_values& row, row_view known,
                                 store_item& item) {
  if (!how_.validate || (of_.validators.empty() && of_.unique.empty())) return {};
  if (auto ran = run_validators(of_, entity, item.violations); !ran) return ran;
  for (const auto& field : of_.unique) {
    const auto at = of_.column_of(field);
    if (!at) {
      return fail(errc::invalid_argument,
                  fmt::format("table {}: there is no unique field {}", of_.name, field));
    }
    const auto& value = row[*at];
    if (!value || std::holds_alternative<std::monostate>(*value)) continue;
    if (!known.empty() && known[*at] == value) continue;
    filter_value wanted;
    wanted.values.emplace_back(*value);
    auto taken = in_.exists(field, wanted, entity);
    if (!taken) return fail(std::move(taken.error()));
    if (*taken) item.violations.push_back({field, "is taken"});
  }
  return refuse_violations(of_, item.violations);
}

result<void> run_validators(const table& of, const void* entity, std::vector<violation>& to) {
  std::string thrown;
  const bool whole = guarded(
      [&] {
        for (const auto& check : of.validators) check(entity, to);
      },
      [&](std::string why) { thrown = std::move(why); });
  if (whole) return {};
  return fail(errc::rejected, fmt::format("table {}: a validation threw: {}", of.name, thrown));
}

result<void> refuse_violations(const table& of, std::span<const violation> found) {
  if (found.empty()) return {};
  std::string all;
  for (const auto& one : found) {
    all += fmt::format("{}{}{}{}", all.empty() ? "" : "; ", one.field, one.field.empty() ? "" : " ",
                       one.message);
  }
  return fail(errc::rejected, fmt::format("table {}: invalid: {}", of.name, all));
}

bool has_key(const table& of, const row_values& row) {
  const auto is_set = [&](std::size_t at) {
    if (!row[at]) return false;
    if (!of.generated) return true;
    const auto& value = *row[at];
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number != 0;
    if (const auto* text = std::get_if<std::string>(&value)) return !text->empty();
    return !std::holds_alternative<std::monostate>(value);
  };
  return std::ranges::all_of(of.key, is_set);
}

result<bool> write_run::differs(std::span<const std::size_t> changed, const row_values& row,
                                row_view known, const void* entity) const {
  if (!changed.empty() || !of_.version) return !changed.empty();
  auto version = expected(row, entity);
  if (!version) return fail(std::move(version.error()));
  return known[*of_.version] != std::optional<sql_value>{**version};
}

result<std::optional<std::int64_t>> write_run::expected(const row_values& row,
                                                        const void* entity) const {
  if (!of_.version) return std::optional<std::int64_t>{};
  const auto* version =
      row[*of_.version] ? std::get_if<std::int64_t>(&*row[*of_.version]) : nullptr;
  if (version == nullptr) {
    return fail(errc::invalid_argument,
                fmt::format("{}: the version is not set", of_.place(*of_.version)));
  }
  return std::optional{in_.memory().version_before(entity, *version).value_or(*version)};
}

bool write_run::is_marked(row_view row) const {
  return of_.deleted && row[*of_.deleted] &&
         !std::holds_alternative<std::monostate>(*row[*of_.deleted]);
}

result<sql_rows> write_run::send(std::string_view sql, sql_parameters with) {
  if (within_ != nullptr) {
    if (auto done = within_->begin(); !done) return fail(std::move(done.error()));
  }
  return on_.run_sql(sql, with);
}

void write_run::assign(void* entity, const row_values& row, std::span<const std::size_t> columns) {
  for (const auto at : columns) {
    if (!of_.is_field(at) || !row[at]) continue;
    if (within_ != nullptr || records_) {
      set_.push_back({entity, at, {}});
      of_.entity.value(entity, of_.rules, at, set_.back().before);
    }
    of_.entity.assign(entity, of_.rules, at, *row[at]);
  }
}

result<void> write_run::set(void* entity, const row_values& row, std::size_t column) {
  try {
    assign(entity, row, std::array{column});
    return {};
  } catch (const misfit& why) {
    return fail(misfit_error(of_, why, errc::invalid_argument, "set on the entity"));
  }
}

void put_back(const table& of, const std::vector<set_field>& set) noexcept {
  for (auto one = set.rbegin(); one != set.rend(); ++one) {
    (void)guarded([&] { of.entity.assign(one->entity, of.rules, one->field, one->before); },
                  [](const std::string&) {});
  }
}

void write_run::put_back() { detail::put_back(of_, take_set()); }

result<void> write_run::explain_miss(const row_values& row, std::optional<std::int64_t> version,
                                     store_item& item) {
  auto found = run(on_, select_row(of_, row, of_.read));
  if (!found) return fail(std::move(found.error()));
  const auto conflict = [&](std::string why) {
    return fail(errc::conflict, fmt::format("{}: {}", shown_key(of_, row), why));
  };
  if (found->empty()) {
    if (version) item.conflict = version_conflict{*version, std::nullopt};
    return conflict("the row is gone");
  }
  const auto value = [&](std::size_t at) -> const sql_value& {
    const auto place = std::ranges::find(of_.read, at) - of_.read.begin();
    return found->at(0, static_cast<std::size_t>(place));
  };
  if (version) {
    const auto is = from_sql<std::int64_t>(value(*of_.version));
    if (is != version) {
      item.conflict = version_conflict{*version, is};
      return conflict(fmt::format("another writer was first: the version is {} and not {}",
                                  is.value_or(0), *version));
    }
  }
  if (of_.deleted && !std::holds_alternative<std::monostate>(value(*of_.deleted))) {
    return conflict("the row is marked as removed: restore it first");
  }
  return conflict("the database left the row as it is, e.g. by a trigger");
}

result<void> write_run::read_columns(void* entity, row_values& row) {
  auto found = run(on_, select_row(of_, row, of_.of_database));
  if (!found) return fail(std::move(found.error()));
  if (found->empty()) return fail(errc::conflict, shown_key(of_, row) + ": the row is gone");
  for (std::size_t i = 0; i < of_.of_database.size(); ++i) {
    row[of_.of_database[i]] = found->rows.front()[i];
  }
  assign(entity, row, of_.of_database);
  return {};
}

}}}  // namespace nexus::v0::detail
