// The whole test of a third-party backend, and of the mistakes that only this one can make. A faulty
// store around it loses answers.
#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nexus/testkit/faulty.hpp>
#include <nexus/testkit/journal_contract.hpp>

#include "log_backend.hpp"

namespace {

namespace fs = std::filesystem;
using namespace nexus::testkit;

std::atomic<bool> syncs_fail = false;

int sync_or_fail(int file) {
  if (!syncs_fail) return ::fdatasync(file);
  errno = EIO;
  return -1;
}

std::string path_of(const std::string& uri) { return nexus::uri::parse(uri).value().path; }

std::string fresh() {
  auto folder = (fs::temp_directory_path() / "stranger-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
  return "log:" + folder + "/journal.log";
}

void remove(const std::string& uri) { fs::remove_all(fs::path{path_of(uri)}.parent_path()); }

std::string crashed(const std::string& uri) {
  const auto copy = path_of(uri) + ".crashed";
  fs::copy_file(path_of(uri), copy, fs::copy_options::overwrite_existing);
  return "log:" + copy;
}

std::vector<std::string> foreign() {
  const auto text = fresh();
  std::ofstream{path_of(text)} << "Dear diary,\nthis is no journal.\n";
  const auto one_byte = fresh();
  std::ofstream{path_of(one_byte)} << "x";
  return {text, one_byte};
}

void make_newer(const std::string& uri) {
  std::fstream file{path_of(uri), std::ios::in | std::ios::out};
  file << "nexus-log 2\n";
}

journal_under_test log_under_test() {
  auto faults = std::make_shared<nexus::testkit::faults>();
  auto lose = [faults, arrives = false](nexus::journal_session&) mutable {
    arrives = !arrives;
    faults->inject(arrives ? fault::lose_answer : fault::lose_request, operation::append);
  };
  return {.name = "log",
          .backend = faulty(log_backend(sync_or_fail), faults),
          .fresh = fresh,
          .remove = remove,
          .lose_next_answer = lose,
          .fail_commits = [](const std::string&, bool fail) { syncs_fail = fail; },
          .crashed = crashed,
          .foreign = foreign,
          .make_newer = make_newer};
}

/// A file with three events of alice in it, one frame each.
class Log : public testing::Test {
 protected:
  Log() {
    auto s = session();
    for (nexus::sequence_nr n = 0; n < 3; ++n) EXPECT_EQ(s.append(alice, n, {"a"}), "stored");
  }
  ~Log() override { remove(uri); }

  terse_session session() {
    kept = must(log_backend().open(must(nexus::uri::parse(uri))));
    return terse_session{must(kept->open_session())};
  }

  const std::string uri = fresh();
  const nexus::persistence_id alice = "account|alice"_id;
  std::shared_ptr<nexus::journal> kept;
};

TEST_F(Log, AFrameThatAKilledWriterLeftUnfinishedIsPassedOver) {
  const auto whole = fs::file_size(path_of(uri));
  ASSERT_EQ(session().append(alice, 3, {"lost"}), "stored");
  for (auto size = fs::file_size(path_of(uri)) - 1; size > whole; size -= 7) {
    fs::resize_file(path_of(uri), size);
    EXPECT_EQ(session().history(alice), "1:a 2:a 3:a") << size;
    if (size < whole + 7) break;
  }
  EXPECT_EQ(session().append(alice, 3, {"b"}), "stored");
  EXPECT_EQ(session().history(alice), "1:a 2:a 3:a 4:b");
}

TEST_F(Log, ADamagedFrameIsRefusedAtOpening) {
  std::fstream file{path_of(uri), std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(40);
  file << '!';
  file.close();
  const auto opened = log_backend().open(must(nexus::uri::parse(uri)));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, nexus::errc::corrupt) << opened.error().message;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Log, JournalContract, ::testing::Values(log_under_test()));
