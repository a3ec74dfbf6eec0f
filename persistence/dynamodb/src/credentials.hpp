// Where the credentials come from: the environment variables, the shared credentials file, the
// container's endpoint, the instance's endpoint; the first that has some.
//
// Temporary credentials are asked for again five minutes before they end. Messages name where they
// were looked for, and never a part of them.
//
// Threads: any; `get` may block for `patience` at each endpoint. Throws: nothing.
// Failures: `invalid_argument` if there are none, `unavailable` if an endpoint does not answer.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "nexus/result.hpp"
#include "signing.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

class credential_source {
 public:
  static constexpr std::chrono::seconds patience{2};

  [[nodiscard]] result<credentials> get();

  /// The server has refused what `get` returned: it is looked for again.
  void forget();

 private:
  std::mutex lock_;
  std::optional<credentials> known_;
};

/// The profile's credentials in the text of a shared credentials file, if it has them.
[[nodiscard]] std::optional<credentials> of_profile(std::string_view text,
                                                    std::string_view profile);

/// The credentials in the JSON that both endpoints answer.
[[nodiscard]] std::optional<credentials> of_endpoint(std::string_view json);

}}}  // namespace nexus::v0::dynamodb
