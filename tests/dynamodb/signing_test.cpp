// AWS's published test vectors of Signature Version 4: the part with the requests that DynamoDB
// gets, one path and no query.
#include "signing.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using nexus::dynamodb::credentials;
using nexus::dynamodb::request_to_sign;

constexpr auto date = "20150830T123600Z";

struct vector {
  const char* name;
  request_to_sign request;
  const char* signed_headers;
  const char* signature;
};

request_to_sign request(std::string_view method,
                        std::vector<std::pair<std::string, std::string>> more = {},
                        std::string_view body = {}, std::string_view query = {}) {
  request_to_sign made{.method = method, .query = query, .headers = std::move(more), .body = body};
  made.headers.emplace_back("x-amz-date", date);
  made.headers.emplace_back("host", "example.amazonaws.com");
  return made;
}

const std::string token =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfI"
    "eoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0"
    "wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDry"
    "pNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

std::vector<vector> vectors() {
  return {
      {"get-vanilla", request("GET"), "host;x-amz-date",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-vanilla-query-order-key-case", request("GET", {}, {}, "Param1=value1&Param2=value2"),
       "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-header-key-duplicate", request("GET", {{"my-header1", "value2,value2,value1"}}),
       "host;my-header1;x-amz-date",
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"get-header-value-order", request("GET", {{"my-header1", "value4,value1,value3,value2"}}),
       "host;my-header1;x-amz-date",
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       request("GET", {{"my-header2", "\"a b c\""}, {"my-header1", "value1"}}),
       "host;my-header1;my-header2;x-amz-date",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"post-vanilla", request("POST"), "host;x-amz-date",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"post-vanilla-query", request("POST", {}, {}, "Param1=value1"), "host;x-amz-date",
       "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
      {"post-header-key-sort", request("POST", {{"my-header1", "value1"}}),
       "host;my-header1;x-amz-date",
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"post-header-value-case", request("POST", {{"my-header1", "VALUE1"}}),
       "host;my-header1;x-amz-date",
       "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
      {"post-sts-header-before", request("POST", {{"x-amz-security-token", token}}),
       "host;x-amz-date;x-amz-security-token",
       "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
      {"post-x-www-form-urlencoded",
       request("POST", {{"content-type", "application/x-www-form-urlencoded"}}, "Param1=value1"),
       "content-type;host;x-amz-date",
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
      {"post-x-www-form-urlencoded-parameters",
       request("POST", {{"content-type", "application/x-www-form-urlencoded; charset=utf8"}},
               "Param1=value1"),
       "content-type;host;x-amz-date",
       "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
  };
}

TEST(Signing, MakesTheSignaturesThatAwsHasPublished) {
  const credentials by{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", {}};
  for (const auto& one : vectors()) {
    EXPECT_EQ(nexus::dynamodb::authorization(one.request, by, "us-east-1", "service", date),
              std::string{"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                          "aws4_request, SignedHeaders="} +
                  one.signed_headers + ", Signature=" + one.signature)
        << one.name;
  }
}

TEST(Signing, WritesTimesAsAwsWantsThem) {
  using std::chrono::seconds;
  EXPECT_EQ(nexus::dynamodb::amz_date(std::chrono::sys_seconds{seconds{1'440'938'160}}), date);
  EXPECT_EQ(nexus::dynamodb::amz_date(std::chrono::sys_seconds{}), "19700101T000000Z");
}

}  // namespace
