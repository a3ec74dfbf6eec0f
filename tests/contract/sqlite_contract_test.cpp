#include <cstdlib>
#include <filesystem>
#include <nexus/sqlite.hpp>
#include <nexus/testkit/journal_contract.hpp>
#include <string>

namespace {

namespace fs = std::filesystem;

std::string fresh_database() {
  auto folder = (fs::temp_directory_path() / "nexus-contract-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
  return "sqlite:" + folder + "/journal.db";  // synchronous=FULL is the default
}

void remove_database(const std::string& uri) {
  fs::remove_all(fs::path{nexus::uri::parse(uri).value().path}.parent_path());
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Sqlite, JournalContract,
                         ::testing::Values(nexus::testkit::journal_under_test{
                             .name = "sqlite",
                             .backend = nexus::sqlite_backend(),
                             .fresh = fresh_database,
                             .remove = remove_database}));
