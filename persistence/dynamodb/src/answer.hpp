// What a response means: the value, or why there is none and whether the request may have been
// carried out.
//
// Threads: any. Throws: nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

using json = nlohmann::json;

struct fault {
  enum class kind : std::uint8_t {
    refused,      ///< by the request's own fault; never carried out
    condition,    ///< a condition does not hold; see `reasons`
    throttled,    ///< too many requests; not carried out
    contended,    ///< another transaction has the item; not carried out
    unreachable,  ///< not sent
    lost,         ///< sent without an answer, or the server has failed
    credentials,  ///< the server does not know or accept them
    skewed,       ///< the clocks differ too much
    untrusted,    ///< the certificate of the server; not sent
    interrupted
  };
  kind what = kind::lost;
  std::string type;     ///< e.g. "ValidationException", or empty
  std::string message;  ///< of the server, or of libcurl
  /// Of a transaction: per action, an object with "Code" and, if the condition asked for it, "Item".
  json reasons = json::array();
  /// The item whose condition does not hold, of a single write that asked for it.
  json item = nullptr;
  /// This attempt or an earlier one may have been carried out.
  bool maybe_done = false;
};

using answer = tl::expected<json, fault>;

/// The meaning of a response of DynamoDB.
[[nodiscard]] answer meaning_of(long status, std::string_view body);

/// Whether the same request is sent again.
[[nodiscard]] constexpr bool is_retried(fault::kind what) noexcept {
  return what == fault::kind::throttled || what == fault::kind::contended ||
         what == fault::kind::unreachable || what == fault::kind::lost;
}

/// The pause before attempt `next` (from 1): random, below a bound that doubles each time.
[[nodiscard]] std::chrono::milliseconds pause_before(unsigned next, fault::kind why,
                                                     std::uint32_t random);

/// For messages: one line, of a bounded length.
[[nodiscard]] std::string one_line(std::string_view text);

/// The error for the caller of a journal; `what` names the operation and the thing.
[[nodiscard]] error error_of(const fault& why, std::string_view what);

}}}  // namespace nexus::v0::dynamodb
