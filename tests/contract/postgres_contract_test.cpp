// Through a proxy that cuts the connection where an append commits: before, after and while it does.
#include <array>
#include <nexus/postgres.hpp>
#include <nexus/testkit/journal_contract.hpp>

#include "cluster.hpp"
#include "proxy.hpp"

namespace {

using nexus::test::cluster;
using nexus::test::fault;

nexus::test::proxy& network() {
  static nexus::test::proxy made{cluster::shared().port()};
  return made;
}

std::string fresh_journal() {
  auto& pg = cluster::shared();
  const auto direct = pg.fresh_schema();
  const auto options = direct.substr(direct.find("&options="));
  return pg.tcp_uri(nexus::test::database_of(direct), network().port()) + options;
}

void lose_next_answer(nexus::journal_session&) {
  constexpr std::array each{fault::cut_before, fault::cut_after, fault::hold};
  static std::size_t turn = 0;
  network().once(each[turn++ % each.size()], [](const nexus::test::unit& sent) {
    return std::ranges::any_of(sent.executed, [](const std::string& name) {
      return name == "append_events" || name == "upsert_states";
    });
  });
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Postgres, JournalContract,
                         ::testing::Values(nexus::testkit::journal_under_test{
                             .name = "postgres",
                             .backend = nexus::postgres_backend(),
                             .fresh = fresh_journal,
                             .lose_next_answer = lose_next_answer}));
