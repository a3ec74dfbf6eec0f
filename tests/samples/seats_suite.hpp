// What the report of seats does on every database that can hold it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "kind_of_database.hpp"

namespace seats {

class SeatsReport : public ::testing::TestWithParam<nexus::test::kind_of_database> {
 protected:
  const nexus::test::database in = GetParam().fresh();
  const std::string uri = in.uri;
};

}  // namespace seats
