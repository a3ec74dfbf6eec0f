// The server of the other tests: that it starts, and that it ends.
#include "cluster.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "wait_until.hpp"

namespace nexus::test { namespace {

using rows = cluster::rows;

TEST(Cluster, EachTestHasADatabaseOfItsOwn) {
  auto& pg = cluster::shared();
  const auto one = pg.fresh_database();
  const auto other = pg.fresh_database();
  cluster::execute_at(one, "CREATE TABLE t (n int)");
  EXPECT_EQ(cluster::value_at(other, "SELECT to_regclass('t')"), "");
  EXPECT_EQ(cluster::value_at(one, "SHOW server_encoding"), "UTF8");
}

TEST(Cluster, OrASchema) {
  auto& pg = cluster::shared();
  const auto one = pg.fresh_schema();
  const auto other = pg.fresh_schema();
  cluster::execute_at(one, "CREATE TABLE t (n int)");
  EXPECT_EQ(cluster::value_at(other, "SELECT to_regclass('t')"), "");
}

TEST(Cluster, TcpAsksForThePassword) {
  auto& pg = cluster::shared();
  EXPECT_EQ(cluster::execute_at(pg.tcp_uri(), "SELECT 1"), (rows{{"1"}}));
  EXPECT_THROW(
      cluster::execute_at(pg.tcp_uri("postgres", pg.port(), "postgres", "wrong"), "SELECT"),
      std::runtime_error);
}

TEST(Cluster, ACommitSurvivesAnImmediateStop) {
  cluster pg;
  const auto db = pg.fresh_database();
  cluster::execute_at(db, "CREATE TABLE t (n int); INSERT INTO t VALUES (7)");
  pg.stop_immediate();
  EXPECT_THROW(cluster::execute_at(db, "SELECT"), std::runtime_error);
  pg.start();
  EXPECT_EQ(cluster::value_at(db, "SELECT n FROM t"), "7");
  EXPECT_NE(pg.log().find("recovery"), std::string::npos);
}

TEST(Cluster, AWrongSettingSaysSo) {
  try {
    cluster pg{{.fsync = false, .parent = {}, .settings = {"no_such_setting = 1"}}};
    ADD_FAILURE() << "started";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string{e.what()}.find("postgresql.conf"), std::string::npos) << e.what();
  }
}

// Starts a cluster, reports its place, and waits to be killed.
pid_t program_with_a_cluster(const std::string& file) {
  const auto child = fork();
  if (child != 0) return child;
  try {
    const cluster pg{{.fsync = false, .parent = {}, .settings = {}}};
    const auto postmaster = std::ifstream{pg.socket_dir() + "/data/postmaster.pid"};
    std::ofstream{file + ".new"} << pg.socket_dir() << ' ' << postmaster.rdbuf();
    std::filesystem::rename(file + ".new", file);
    for (;;) pause();
  } catch (const std::exception&) {
    _exit(1);
  }
}

TEST(Cluster, NothingIsLeftOfAKilledProgram) {
  const auto file = testing::TempDir() + "/nexus_killed_" + std::to_string(getpid());
  const auto program = program_with_a_cluster(file);
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(file); }));
  std::string dir;
  pid_t postmaster = 0;
  std::ifstream{file} >> dir >> postmaster;
  std::filesystem::remove(file);
  ASSERT_EQ(kill(postmaster, 0), 0);

  kill(program, SIGKILL);
  waitpid(program, nullptr, 0);
  EXPECT_TRUE(wait_until([&] { return kill(postmaster, 0) != 0; }));
  EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(dir); }));
}

}}  // namespace nexus::test
