// A store of every kind that keeps read models, whose sessions count what they are asked and fail
// where a test says so.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <nexus/nexus.hpp>
#include <nexus/read_models.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <nexus/transaction.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "contract/forwarding_journal.hpp"
#include "temporary_folder.hpp"

namespace nexus::test {

using testkit::code_of;
using testkit::must;
using testkit::texts;

/// What the storages of a store were asked.
struct asked {
  std::atomic<int> writes = 0;  ///< documents
  std::atomic<int> removes = 0;
  std::atomic<int> looked_up = 0;  ///< ids
  std::atomic<int> reads_of_all = 0;
  std::mutex mutex;
  std::set<std::string, std::less<>> failing;  ///< ids whose writes and removals fail
  std::atomic<int> reads_fail_after = -1;      ///< calls of get_many; negative: none fails

  bool fails(std::string_view id) {
    const std::lock_guard guard{mutex};
    return failing.contains(id);
  }
  void fail(const texts& ids) {
    const std::lock_guard guard{mutex};
    failing = {ids.begin(), ids.end()};
  }
};

class watched_documents final : public document_storage {
 public:
  watched_documents(document_storage& inner, asked& told) : inner_{inner}, told_{told} {}

  std::string table() const override { return inner_.table(); }
  result<void> put(std::string_view name, std::span<const document_write> writes,
                   std::span<const std::string> indexed) override {
    for (const auto& one : writes) {
      if (told_.fails(one.document.id)) return fail(errc::unavailable, "the test says no");
    }
    told_.writes += static_cast<int>(writes.size());
    return inner_.put(name, writes, indexed);
  }
  result<std::vector<stored_document>> get_many(std::string_view name,
                                                std::span<const std::string> ids,
                                                consistency wanted) override {
    told_.looked_up += static_cast<int>(ids.size());
    if (told_.reads_fail_after >= 0 && told_.reads_fail_after-- == 0) {
      return fail(errc::unavailable, "the test says no");
    }
    return inner_.get_many(name, ids, wanted);
  }
  result<std::size_t> remove(std::string_view name, std::span<const std::string> ids) override {
    for (const auto& id : ids) {
      if (told_.fails(id)) return fail(errc::unavailable, "the test says no");
    }
    told_.removes += static_cast<int>(ids.size());
    return inner_.remove(name, ids);
  }
  result<void> all(std::string_view name, consistency wanted, const document_sink& sink) override {
    ++told_.reads_of_all;
    return inner_.all(name, wanted, sink);
  }
  result<std::size_t> remove_all(std::string_view name) override { return inner_.remove_all(name); }
  result<std::optional<std::vector<std::string>>> find(std::string_view name,
                                                       std::span<const indexed_value> values,
                                                       consistency wanted) override {
    return inner_.find(name, values, wanted);
  }
  result<std::size_t> reindex(std::string_view name, std::span<const std::string> indexed,
                              const document_indexer& values_of) override {
    return inner_.reindex(name, indexed, values_of);
  }

 private:
  document_storage& inner_;
  asked& told_;
};

class watched_session final : public forwarding_session {
 public:
  watched_session(std::unique_ptr<journal_session> inner, std::shared_ptr<asked> told)
      : forwarding_session{std::move(inner)}, told_{std::move(told)} {
    if (auto* own = this->inner().documents()) documents_.emplace(*own, *told_);
  }

  result<sql_rows> run_sql(std::string_view sql, sql_parameters with) override {
    return inner().run_sql(sql, with);
  }
  result<void> begin(isolation level, bool read_only) override {
    return inner().begin(level, read_only);
  }
  result<void> commit() override { return inner().commit(); }
  result<void> rollback() override { return inner().rollback(); }
  result<isolation> level() override { return inner().level(); }
  bool unfinished() const noexcept override { return inner().unfinished(); }
  bool touched() const noexcept override { return inner().touched(); }
  result<void> reset(const std::string& query) override { return inner().reset(query); }
  result<void> validate(const std::string& query) override { return inner().validate(query); }
  document_storage* documents() noexcept override { return documents_ ? &*documents_ : nullptr; }

 private:
  std::shared_ptr<asked> told_;
  std::optional<watched_documents> documents_;
};

struct order {
  static constexpr std::string_view type_name = "order";
  std::string id;
  std::string customer;
  std::int64_t cents = 0;
  std::vector<std::string> goods{};
  MSGPACK_DEFINE_MAP(id, customer, cents, goods)

  friend bool operator==(const order&, const order&) = default;
};

/// The ids of models, or of pointers to them.
template <class Models>
texts ids_of(const result<Models>& found) {
  if (!found) return {std::string{to_string(found.error().code)} + ": " + found.error().message};
  texts ids;
  for (const auto& one : *found) {
    if constexpr (requires { one->id; }) {
      ids.push_back(one->id);
    } else {
      ids.push_back(one.id);
    }
  }
  return ids;
}

template <class T>
std::string message_of(const result<T>& r) {
  return r ? "none" : r.error().message;
}

/// The kinds of stores that a program tests; each program defines it. So the suites are compiled once.
struct store_kinds {
  std::vector<const char*> names;
  std::string (*fresh)(const std::string& kind, const temporary_folder& in);  ///< a URI
  std::vector<backend> backends;
};
store_kinds kinds_of_store();

class ReadModels : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::string kind() const { return GetParam(); }
  [[nodiscard]] bool has_sql() const { return kind() == "sqlite" || kind() == "postgresql"; }

  [[nodiscard]] nexus::store open_again() const {
    return must(nexus::open(uri, std::span<const backend>{backends()}));
  }

  /// Writes a row that no repository would.
  void put_row(std::string_view name, const document_view& row) const {
    const auto session = must(store.open_session());
    must(session->documents()->put(name, row));
  }

  temporary_folder folder;
  const std::string uri = kinds_of_store().fresh(kind(), folder);
  const std::shared_ptr<asked> storage = std::make_shared<asked>();
  const nexus::store store = open_again();
  const read_models models{store};

 private:
  [[nodiscard]] std::vector<backend> backends() const {
    auto all = kinds_of_store().backends;
    for (auto& one : all) {
      one.open = [open = one.open,
                  told = storage](const nexus::uri& where) -> result<std::shared_ptr<journal>> {
        auto opened = open(where);
        if (!opened) return opened;
        return std::make_shared<forwarding_journal>(
            std::move(*opened), [told](std::unique_ptr<journal_session> inner) {
              return std::make_unique<watched_session>(std::move(inner), told);
            });
      };
    }
    return all;
  }
};

#define NEXUS_FOR_EVERY_STORE(suite)                                                             \
  INSTANTIATE_TEST_SUITE_P(All, suite, ::testing::ValuesIn(nexus::test::kinds_of_store().names), \
                           [](const auto& of) { return std::string{of.param}; })

}  // namespace nexus::test
