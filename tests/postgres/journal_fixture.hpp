// What tests of the PostgreSQL backend start from, beyond its contract: a place of one's own on the
// shared server, journals there, and sessions that speak in short words.
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

/// Why the journal cannot be opened, or nothing.
inline std::string why_not_opened(const std::string& uri) {
  auto parsed = nexus::uri::parse(uri);
  if (!parsed) return parsed.error().message;
  auto opened = postgres_backend().open(*parsed);
  return opened ? std::string{} : opened.error().message;
}

/// The truth about a request, or why nobody knows it yet.
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
  /// What keeps a transaction open for seconds needs a server of its own: readers of all other tests'
  /// journals would wait for it.
  explicit PostgresTest(cluster& on = cluster::shared()) : pg{on} {}

  cluster& pg;
  const persistence_id alice = "account|alice"_id;
  const persistence_id bob = "account|bob"_id;
};

}  // namespace nexus::test
