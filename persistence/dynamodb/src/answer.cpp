#include "answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

using kind = fault::kind;

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& all) {
  return std::ranges::find(all, text) != all.end();
}

kind kind_of_type(long status, std::string_view type) {
  if (type == "ConditionalCheckFailedException") return kind::condition;
  if (is_one_of<6>(type, {"ProvisionedThroughputExceededException", "ThrottlingException",
                          "RequestLimitExceeded", "LimitExceededException", "Throttling",
                          "ThrottledException"})) {
    return kind::throttled;
  }
  if (is_one_of<2>(type, {"TransactionConflictException", "TransactionInProgressException"})) {
    return kind::contended;
  }
  if (is_one_of<7>(type,
                   {"UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException",
                    "MissingAuthenticationTokenException", "MissingAuthenticationToken",
                    "IncompleteSignatureException", "AccessDeniedException"})) {
    return kind::credentials;
  }
  if (is_one_of<3>(
          type, {"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewedException"})) {
    return kind::skewed;  // or a wrong secret: the client compares the clocks
  }
  return status >= 500 ? kind::lost : kind::refused;
}

/// The condition of any action decides: then the transaction would fail again.
kind kind_of_reasons(const json& reasons) {
  auto found = kind::refused;
  for (const auto& one : reasons) {
    const auto code = one.value("Code", "");
    if (code == "ConditionalCheckFailed") return kind::condition;
    if (code == "TransactionConflict") found = kind::contended;
    if (code == "ThrottlingError" || code == "ProvisionedThroughputExceeded") {
      found = kind::throttled;
    }
  }
  return found;
}

std::string plain_text(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace

answer meaning_of(long status, std::string_view body) {
  auto parsed = json::parse(body, nullptr, false);
  if (status == 200) {
    if (parsed.is_object()) return parsed;
    return tl::unexpected{fault{kind::lost, {}, "the response is no JSON object", {}, {}, true}};
  }
  fault made;
  if (parsed.is_object()) {
    made.type = plain_text(parsed, "__type");
    made.type = made.type.substr(made.type.find('#') + 1);
    made.message = plain_text(parsed, "message");
    if (made.message.empty()) made.message = plain_text(parsed, "Message");
    if (auto reasons = parsed.find("CancellationReasons"); reasons != parsed.end()) {
      if (reasons->is_array()) made.reasons = std::move(*reasons);
    }
    if (auto item = parsed.find("Item"); item != parsed.end()) made.item = std::move(*item);
  }
  if (made.message.empty()) made.message = fmt::format("HTTP status {}", status);
  made.what = made.type == "TransactionCanceledException" ? kind_of_reasons(made.reasons)
                                                          : kind_of_type(status, made.type);
  made.maybe_done = made.what == kind::lost;
  return tl::unexpected{std::move(made)};
}

std::chrono::milliseconds pause_before(unsigned next, fault::kind why, std::uint32_t random) {
  const std::uint32_t base = why == kind::contended ? 8 : 25;
  constexpr std::uint32_t longest = 2'000;
  const auto bound = std::min(longest, base << std::min(next, 12U));
  return std::chrono::milliseconds{random % (bound + 1)};
}

std::string one_line(std::string_view text) {
  constexpr std::size_t bytes_max = 300;
  std::string made{text.substr(0, bytes_max)};
  std::ranges::replace_if(
      made, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return made;
}

error error_of(const fault& why, std::string_view what) {
  const auto told = [&](errc code, std::string_view reason) {
    return error{code, fmt::format("{}: {}: {}{}{}", what, reason, why.type,
                                   why.type.empty() ? "" : ": ", one_line(why.message))};
  };
  switch (why.what) {
    case kind::interrupted:
      return {errc::pool_closed, fmt::format("{}: the session was interrupted", what)};
    case kind::unreachable:
      return told(errc::unavailable, "the server cannot be reached");
    case kind::untrusted:
      return told(errc::unavailable,
                  "the server's certificate is not trusted (ca=FILE names those that are)");
    case kind::throttled:
      return told(errc::unavailable, "throttled, also after retries");
    case kind::contended:
      return told(errc::unavailable, "other transactions got in the way, also after retries");
    case kind::credentials:
      return told(errc::unavailable, "the server does not accept the credentials");
    case kind::skewed:
      return told(errc::unavailable, "the signature is not accepted");
    case kind::condition:
      return told(errc::unavailable, "a condition does not hold");
    case kind::refused:
      return told(why.type == "ResourceNotFoundException" ? errc::unavailable : errc::query_failed,
                  "refused");
    case kind::lost:
      break;
  }
  return told(errc::unavailable, "no answer");
}

}}}  // namespace nexus::v0::dynamodb
