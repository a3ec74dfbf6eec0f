#include "nexus/sqlite.hpp"
#include "session.hpp"

namespace nexus::inline v0 {
namespace sqlite {

journal_limits limits() noexcept { return {}; }

result<std::unique_ptr<connection>> session::connect(const address& where, open_mode mode) {
  auto db = open_database(where, mode);
  if (!db) return fail(std::move(db.error()));
  return attempt(where.name, "open", [&]() -> result<std::unique_ptr<connection>> {
    return std::make_unique<connection>(std::move(*db));
  });
}

namespace {

class sqlite_journal final : public journal {
 public:
  explicit sqlite_journal(address where) : where_{std::move(where)} {}

  result<std::unique_ptr<journal_session>> open_session() override {
    auto made = session::connect(where_, open_mode::existing);
    if (!made) return fail(std::move(made.error()));
    return std::make_unique<session>(where_, std::move(*made), appended_);
  }

  result<std::unique_ptr<journal_watch>> watch() override {
    return commit_signal::watch(appended_);
  }

  journal_limits limits() const override { return sqlite::limits(); }
  std::string name() const override { return where_.name; }

 private:
  const address where_;
  const std::shared_ptr<commit_signal> appended_ = std::make_shared<commit_signal>();
};

result<std::shared_ptr<journal>> open_journal(const uri& location) {
  auto where = address::from(location);
  if (!where) return fail(std::move(where.error()));
  auto checked = session::connect(*where, open_mode::create);
  if (!checked) return fail(std::move(checked.error()));
  return std::make_shared<sqlite_journal>(std::move(*where));
}

result<std::unique_ptr<schema>> open_tables(const uri& location) {
  auto where = address::from(location);
  if (!where) return fail(std::move(where.error()));
  return schema_at(std::move(*where));
}

}  // namespace
}  // namespace sqlite

backend sqlite_backend() {
  return {.scheme = "sqlite", .open = sqlite::open_journal, .schema = sqlite::open_tables};
}

}  // namespace nexus::inline v0
