// The fixture of the PostgreSQL tests beyond the contract: a new schema on the shared server,
// journals there, and terse sessions.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nexus/postgres.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <string>

#include "cluster.hpp"

namespace nexus::test {

using testkit::must;
using testkit::operator""_id;
using testkit::request;
using testkit::terse_session;

inline std::shared_ptr<journal> open_journal(const std::string& uri) {
  return must(postgres_backend().open(must(nexus::uri::parse(uri))));
}

/// Why the journal cannot be opened; empty if it can.
inline std::string why_not_opened(const std::string& uri) {
  auto parsed = nexus::uri::parse(uri);
  if (!parsed) return parsed.error().message;
  auto opened = postgres_backend().open(*parsed);
  return opened ? std::string{} : opened.error().message;
}

/// The truth about a request, or why it is not known yet.
inline std::string settled_by(terse_session& session, const append_request& of) {
  auto truth = session.inner().settle(of);
  return truth ? testkit::told(*truth) : truth.error().message;
}
inline std::string settled_by(terse_session& session, const upsert_request& of) {
  auto truth = session.inner().settle(of);
  return truth ? testkit::told(*truth) : truth.error().message;
}

class PostgresTest : public ::testing::Test {
 protected:
  /// A test that keeps a transaction open for seconds needs its own server: readers of all other
  /// tests' journals would wait for it.
  explicit PostgresTest(cluster& on = cluster::shared()) : pg{on} {}

  cluster& pg;
  const persistence_id alice = "account|alice"_id;
  const persistence_id bob = "account|bob"_id;
};

}  // namespace nexus::test
