#include "client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "no_sigpipe.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

using kind = fault::kind;

/// Some 15 s in all, unless the call's time is over before: a server may be restarted.
constexpr unsigned attempts_max = 20;
/// A collision ends soon, so it is worth more attempts.
constexpr unsigned collisions_max = 60;
constexpr std::size_t response_bytes_max = std::size_t{20} << 20;
/// Signatures are valid for five minutes; a difference below it has another cause.
constexpr std::chrono::seconds skew_told{240};

void start_libcurl() {
  static const auto done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

bool was_not_sent(CURLcode code) {
  return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
         code == CURLE_SSL_CONNECT_ERROR || code == CURLE_COULDNT_RESOLVE_PROXY;
}

// The certificate is not trusted: a retry would fail in the same way.
bool is_untrusted(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
}

}  // namespace

/// One request until its answer.
class client::flight {
 public:
  flight(std::string_view name, const json& value)
      : operation{name}, body{value.dump(-1, ' ', false, json::error_handler_t::replace)} {}

  static std::size_t send(char* to, std::size_t size, std::size_t count, void* self) {
    auto& one = *static_cast<flight*>(self);
    const auto n = std::min(size * count, one.body.size() - one.sent);
    std::memcpy(to, one.body.data() + one.sent, n);
    one.sent += n;
    return n;
  }
  /// libcurl wants to send again on a new connection, on its own. That must not be hidden if the
  /// server may have carried the request out.
  static int send_again(void* self, curl_off_t, int) {
    return static_cast<flight*>(self)->sent == 0 ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
  }
  static std::size_t take(char* bytes, std::size_t size, std::size_t count, void* self) {
    auto& one = *static_cast<flight*>(self);
    const auto n = size * count;
    if (one.response.size() + n > response_bytes_max) return 0;
    one.response.append(bytes, n);
    return n;
  }
  static std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* self) {
    const std::string_view line{bytes, size * count};
    constexpr std::string_view name = "date:";
    if (line.size() > name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0) {
      static_cast<flight*>(self)->date = std::string{line.substr(name.size())};
    }
    return size * count;
  }

  [[nodiscard]] bool waits() const { return !done && handle == nullptr; }

  const std::string_view operation;
  const std::string body;
  clock::time_point deadline{};  ///< set when it starts; those behind it may wait for their turn
  clock::time_point next_try{};
  unsigned attempts = 0;
  bool maybe_done = false;
  bool corrected = false;  ///< clock or credentials, once
  bool done = false;
  std::string reason;  ///< why an attempt had no answer, unless it was too late
  answer made = tl::unexpected{fault{}};

  // Of the attempt under way:
  std::unique_ptr<CURL, void (*)(CURL*)> handle{nullptr, curl_easy_cleanup};
  curl_slist* headers = nullptr;
  std::size_t sent = 0;
  std::string response;
  std::string date;
  std::array<char, CURL_ERROR_SIZE> why{};
};

client::client(std::shared_ptr<endpoint> server)
    : server_{std::move(server)},
      multi_{(start_libcurl(), curl_multi_init()), curl_multi_cleanup},
      random_{std::random_device{}()} {
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(flight_max));
}

client::~client() {
  const no_sigpipe here;  // TLS connections say that they close
  spare_.clear();
  multi_.reset();
}

void client::interrupt() noexcept {
  interrupted_ = true;
  curl_multi_wakeup(multi_.get());
}

answer client::call(std::string_view operation, const json& body) {
  const request one{operation, body};
  return std::move(call_many({&one, 1}).front());
}

std::vector<answer> client::call_many(std::span<const request> requests) {
  std::vector<std::unique_ptr<flight>> all;
  all.reserve(requests.size());
  for (const auto& one : requests) {
    all.push_back(std::make_unique<flight>(one.operation, one.body));
  }
  run(all);
  std::vector<answer> answers;
  answers.reserve(all.size());
  for (auto& one : all) answers.push_back(std::move(one->made));
  return answers;
}

void client::run(std::span<std::unique_ptr<flight>> all) {
  const no_sigpipe here;
  std::size_t open = all.size();
  std::size_t flying = 0;
  while (open > 0) {
    auto wake = clock::now() + std::chrono::seconds{1};
    const auto now = clock::now();
    for (auto& one : all) {
      if (!one->waits()) continue;
      if (interrupted_) {
        settle(*one, {kind::interrupted, {}, {}, {}, {}, one->maybe_done});
      } else if (one->next_try > now) {
        wake = std::min(wake, one->next_try);
      } else if (flying < flight_max && launch(*one)) {
        ++flying;
      }
      if (one->done) --open;
    }
    if (open == 0) break;
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    bool landed = false;
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto code = message->data.result;
      char* self = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
      auto& one = *reinterpret_cast<flight*>(self);
      land(one, code);
      landed = true;
      --flying;
      if (one.done) --open;
    }
    if (interrupted_) {
      for (auto& one : all) {
        if (one->handle == nullptr) continue;
        abandon(*one);
        --flying;
        one->made = tl::unexpected{fault{kind::interrupted, {}, {}, {}, {}, true}};
        one->done = true;
        --open;
      }
      continue;
    }
    if (landed) continue;
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(wake - clock::now());
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(std::max<long>(rest.count(), 0)),
                    nullptr);
  }
}

std::unique_ptr<CURL, void (*)(CURL*)> client::handle() {
  if (!spare_.empty()) {
    auto one = std::move(spare_.back());
    spare_.pop_back();
    return one;
  }
  std::unique_ptr<CURL, void (*)(CURL*)> one{curl_easy_init(), curl_easy_cleanup};
  auto* const h = one.get();
  curl_easy_setopt(h, CURLOPT_URL, server_->url.c_str());
  curl_easy_setopt(h, CURLOPT_POST, 1L);
  curl_easy_setopt(h, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
  if (!server_->ca.empty()) curl_easy_setopt(h, CURLOPT_CAINFO, server_->ca.c_str());
  curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(server_->within.connect.count()));
  curl_easy_setopt(h, CURLOPT_READFUNCTION, flight::send);
  curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, flight::send_again);
  curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, flight::take);
  curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, flight::take_header);
  return one;
}

bool client::launch(flight& one) {
  if (one.attempts == 0) one.deadline = clock::now() + server_->within.call;
  const auto who = server_->credentials.get();
  if (!who) {
    settle(one, {kind::credentials, {}, who.error().message, {}, {}, one.maybe_done});
    return false;
  }
  const auto date = amz_date(
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()) +
      server_->clock_skew.load());
  request_to_sign to_sign{
      .method = "POST",
      .headers = {{"content-type", "application/x-amz-json-1.0"},
                  {"host", server_->host},
                  {"x-amz-date", date},
                  {"x-amz-target", fmt::format("DynamoDB_20120810.{}", one.operation)}},
      .body = one.body};
  if (!who->session_token.empty()) {
    to_sign.headers.emplace_back("x-amz-security-token", who->session_token);
  }
  const auto add = [&one](const std::string& line) {
    one.headers = curl_slist_append(one.headers, line.c_str());
  };
  for (const auto& [name, value] : to_sign.headers) add(name + ": " + value);
  add("authorization: " + authorization(to_sign, *who, server_->region, "dynamodb", date));
  add("expect:");
  one.handle = handle();
  one.sent = 0;
  one.response.clear();
  one.date.clear();
  one.why.fill('\0');
  ++one.attempts;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(one.deadline - clock::now());
  const auto within = std::clamp(left, std::chrono::milliseconds{1}, server_->within.attempt);
  auto* const h = one.handle.get();
  curl_easy_setopt(h, CURLOPT_HTTPHEADER, one.headers);
  curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(one.body.size()));
  curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, static_cast<long>(within.count()));
  curl_easy_setopt(h, CURLOPT_READDATA, &one);
  curl_easy_setopt(h, CURLOPT_SEEKDATA, &one);
  curl_easy_setopt(h, CURLOPT_WRITEDATA, &one);
  curl_easy_setopt(h, CURLOPT_HEADERDATA, &one);
  curl_easy_setopt(h, CURLOPT_ERRORBUFFER, one.why.data());
  curl_easy_setopt(h, CURLOPT_PRIVATE, &one);
  curl_multi_add_handle(multi_.get(), h);
  return true;
}

void client::abandon(flight& one) {
  curl_multi_remove_handle(multi_.get(), one.handle.get());
  curl_easy_setopt(one.handle.get(), CURLOPT_ERRORBUFFER, nullptr);
  curl_slist_free_all(std::exchange(one.headers, nullptr));
  if (spare_.size() < flight_max) {
    spare_.push_back(std::move(one.handle));
  }
  one.handle.reset();
}

void client::land(flight& one, CURLcode code) {
  long status = 0;
  curl_easy_getinfo(one.handle.get(), CURLINFO_RESPONSE_CODE, &status);
  abandon(one);
  if (code != CURLE_OK) {
    std::string why = one.why.data();
    if (why.empty()) why = curl_easy_strerror(code);
    // The last attempt may have had little time: an earlier one knows more.
    if (code != CURLE_OPERATION_TIMEDOUT) {
      one.reason = why;
    } else if (!one.reason.empty()) {
      why = one.reason;
    }
    if (is_untrusted(code)) {
      return settle(one, {kind::untrusted, {}, std::move(why), {}, {}, false});
    }
    const bool sent = !was_not_sent(code) && one.sent > 0;
    settle(one, {sent ? kind::lost : kind::unreachable, {}, std::move(why), {}, {}, sent});
    return;
  }
  auto got = meaning_of(status, one.response);
  if (!got) return settle(one, std::move(got.error()));
  server_->budget.succeeded();
  one.made = std::move(got);
  one.done = true;
}

void client::settle(flight& one, fault why) {
  one.maybe_done = one.maybe_done || why.maybe_done;
  const auto again = [&one](std::chrono::milliseconds after) {
    one.next_try = clock::now() + after;
  };
  if (why.what == kind::skewed) {
    const auto theirs = curl_getdate(one.date.c_str(), nullptr);
    const auto skew = std::chrono::seconds{theirs < 0 ? 0 : theirs - ::time(nullptr)} -
                      server_->clock_skew.load();
    if (std::chrono::abs(skew) < skew_told) {
      why.what = kind::credentials;  // the clocks agree, so the secret is wrong
    } else if (!std::exchange(one.corrected, true)) {
      server_->clock_skew = server_->clock_skew.load() + skew;
      return again({});
    } else {
      why.message += fmt::format("; the server's clock differs from ours by {} s", skew.count());
    }
  }
  if (why.what == kind::credentials && why.type == "ExpiredTokenException" &&
      !std::exchange(one.corrected, true)) {
    server_->credentials.forget();
    return again({});
  }
  const auto most = why.what == kind::contended ? collisions_max : attempts_max;
  if (is_retried(why.what) && one.attempts < most && !interrupted_) {
    const auto pause = pause_before(one.attempts, why.what, static_cast<std::uint32_t>(random_()));
    const bool in_time = clock::now() + pause < one.deadline;
    if (in_time && (why.what == kind::contended || server_->budget.take())) return again(pause);
  }
  why.maybe_done = one.maybe_done;
  one.made = tl::unexpected{std::move(why)};
  one.done = true;
}

}}}  // namespace nexus::v0::dynamodb
