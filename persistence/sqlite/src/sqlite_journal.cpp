#include "nexus/sqlite.hpp"
#include "schema.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 {
namespace sqlite {

journal_limits limits() noexcept { return {}; }

result<std::unique_ptr<connection>> session::connect(const address& where, journal_file& file) {
  // Checked first, since SQLite would make a -wal beside any file at that path.
  if (auto why = file.trouble()) return fail(*std::move(why));
  auto db = open_database(where, open_mode::existing);
  if (!db) return fail(std::move(db.error()));
  return attempt(where.name, "open", [&]() -> result<std::unique_ptr<connection>> {
    auto made = std::make_unique<connection>(std::move(*db));
    auto joined = file.join(made->db->getHandle());
    if (!joined) return fail(std::move(joined.error()));
    made->file = std::move(*joined);
    return made;
  });
}

namespace {

class sqlite_journal final : public journal {
 public:
  sqlite_journal(address where, std::shared_ptr<journal_file> file)
      : where_{std::move(where)}, file_{std::move(file)} {}

  result<std::unique_ptr<journal_session>> open_session() override {
    auto made = session::connect(where_, *file_);
    if (!made) return fail(std::move(made.error()));
    return std::make_unique<session>(where_, file_, std::move(*made), appended_);
  }

  std::optional<error> trouble() override { return file_->trouble(); }

  result<std::unique_ptr<journal_watch>> watch() override {
    return commit_signal::watch(appended_);
  }

  journal_limits limits() const override { return sqlite::limits(); }
  // Half of a load's time are SQLite's locks; more hardly save any, and delay the checkpoint.
  std::size_t reads_at_once() const noexcept override { return 32; }
  std::string name() const override { return where_.name; }

 private:
  const address where_;
  const std::shared_ptr<journal_file> file_;
  const std::shared_ptr<commit_signal> appended_ = std::make_shared<commit_signal>();
};

result<std::shared_ptr<journal>> open_journal(const uri& location) {
  auto where = address::from(location);
  if (!where) return fail(std::move(where.error()));
  auto db = open_database(*where, open_mode::create);
  if (!db) return fail(std::move(db.error()));
  // Preparing the statements proves that the tables are the expected ones.
  return attempt(where->name, "open", [&]() -> result<std::shared_ptr<journal>> {
    const connection checked{std::move(*db)};
    auto file = journal_file::of(where->path, where->name, checked.db->getHandle());
    if (!file) return fail(std::move(file.error()));
    return std::make_shared<sqlite_journal>(std::move(*where), std::move(*file));
  });
}

result<std::unique_ptr<schema>> open_tables(const uri& location) {
  auto where = address::from(location);
  if (!where) return fail(std::move(where.error()));
  return make_schema(std::move(*where));
}

}  // namespace
}  // namespace sqlite

backend sqlite_backend() {
  return {.scheme = "sqlite", .open = sqlite::open_journal, .schema = sqlite::open_tables};
}

}}  // namespace nexus::v0
