// AWS Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
//
// Threads: any. Throws: nothing. Failures: none; the caller keeps secrets out of messages.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus { inline namespace v0 { namespace dynamodb {

struct credentials {
  std::string key_id;
  std::string secret;
  std::string session_token;  ///< of temporary credentials; else empty
  /// When temporary credentials end.
  std::optional<std::chrono::sys_seconds> expires{};
};

struct request_to_sign {
  std::string_view method;
  std::string_view path = "/";  ///< percent-encoded
  std::string_view query{};     ///< percent-encoded, sorted by parameter
  /// Names in lower case, values without blanks around them. All are signed.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body{};
};

/// "20150830T123600Z", the value of the header x-amz-date.
[[nodiscard]] std::string amz_date(std::chrono::sys_seconds time);

/// The value of the header Authorization. The headers have x-amz-date with `date`.
[[nodiscard]] std::string authorization(const request_to_sign& request, const credentials& by,
                                        std::string_view region, std::string_view service,
                                        std::string_view date);

}}}  // namespace nexus::v0::dynamodb
