#include "credentials.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cctype>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "environment.hpp"
#include "no_sigpipe.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

using std::chrono::minutes;

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::string> file(const std::string& path) {
  std::ifstream from{path};
  if (!from) return std::nullopt;
  std::ostringstream text;
  text << from.rdbuf();
  return text.str();
}

std::size_t take(char* bytes, std::size_t size, std::size_t count, void* to) {
  constexpr std::size_t bytes_max = 64 << 10;
  auto& text = *static_cast<std::string*>(to);
  if (text.size() + size * count > bytes_max) return 0;
  text.append(bytes, size * count);
  return size * count;
}

struct closing {
  void operator()(CURL* one) const noexcept { curl_easy_cleanup(one); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

/// The body of a response with status 200.
std::optional<std::string> fetch(const std::string& method, const std::string& url,
                                 const std::string& header) {
  const no_sigpipe here;
  const std::unique_ptr<CURL, closing> one{curl_easy_init()};
  if (!one) return std::nullopt;
  std::string body;
  const std::unique_ptr<curl_slist, closing> headers{
      header.empty() ? nullptr : curl_slist_append(nullptr, header.c_str())};
  constexpr auto millis = std::chrono::milliseconds{credential_source::patience}.count();
  curl_easy_setopt(one.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(one.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(one.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(one.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(one.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(one.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(millis));
  curl_easy_setopt(one.get(), CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(one.get(), CURLOPT_WRITEDATA, &body);
  if (curl_easy_perform(one.get()) != CURLE_OK) return std::nullopt;
  long status = 0;
  curl_easy_getinfo(one.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return std::nullopt;
  return body;
}

std::optional<credentials> of_environment() {
  credentials found{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                    environment("AWS_SESSION_TOKEN")};
  if (found.key_id.empty() || found.secret.empty()) return std::nullopt;
  return found;
}

std::string shared_file() {
  auto path = environment("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty() && !environment("HOME").empty())
    path = environment("HOME") + "/.aws/credentials";
  return path;
}

std::optional<credentials> of_shared_file() {
  const auto text = file(shared_file());
  if (!text) return std::nullopt;
  const auto profile = environment("AWS_PROFILE");
  return of_profile(*text, profile.empty() ? "default" : profile);
}

/// Without TLS only addresses of this machine, and those that AWS gives to containers.
bool is_trusted(std::string_view url) {
  if (url.starts_with("https://")) return true;
  for (std::string_view host :
       {"127.0.0.1", "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"}) {
    const auto start = fmt::format("http://{}", host);
    if (!url.starts_with(start)) continue;
    const auto rest = url.substr(start.size());
    if (rest.empty() || rest[0] == '/' || rest[0] == ':') return true;
  }
  return false;
}

result<std::optional<credentials>> answer_of(std::string_view what,
                                             const std::optional<std::string>& body) {
  if (!body) {
    return fail(errc::unavailable, fmt::format("dynamodb: {} gives no credentials", what));
  }
  auto found = of_endpoint(*body);
  if (!found) {
    return fail(errc::unavailable,
                fmt::format("dynamodb: the answer of {} has no credentials", what));
  }
  return found;
}

result<std::optional<credentials>> of_container() {
  const auto relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const auto full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) return std::nullopt;
  const auto url = relative.empty() ? full : "http://169.254.170.2" + relative;
  if (!is_trusted(url)) {
    return fail(
        errc::invalid_argument,
        "dynamodb: AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor of this machine");
  }
  auto token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (const auto path = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !path.empty()) {
    token = trimmed(file(path).value_or(""));
  }
  return answer_of("the container's endpoint",
                   fetch("GET", url, token.empty() ? "" : "Authorization: " + token));
}

result<std::optional<credentials>> of_instance() {
  if (environment("AWS_EC2_METADATA_DISABLED") == "true") return std::nullopt;
  auto base = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (base.empty()) base = "http://169.254.169.254";
  while (base.ends_with('/')) base.pop_back();
  const auto token =
      fetch("PUT", base + "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600");
  if (!token) return std::nullopt;  // no instance of EC2
  const auto header = "X-aws-ec2-metadata-token: " + std::string{trimmed(*token)};
  const auto roles = base + "/latest/meta-data/iam/security-credentials/";
  const auto role = fetch("GET", roles, header);
  if (!role) return std::nullopt;  // an instance without a role
  return answer_of("the instance's endpoint",
                   fetch("GET", roles + std::string{trimmed(*role)}, header));
}

result<credentials> look() {
  if (auto found = of_environment()) return *std::move(found);
  if (auto found = of_shared_file()) return *std::move(found);
  for (auto* source : {of_container, of_instance}) {
    auto found = source();
    if (!found) return fail(std::move(found.error()));
    if (*found) return **std::move(found);
  }
  return fail(errc::invalid_argument,
              fmt::format("dynamodb: no credentials: neither in AWS_ACCESS_KEY_ID and "
                          "AWS_SECRET_ACCESS_KEY, nor in {}, nor at a container's or instance's "
                          "endpoint",
                          shared_file().empty() ? "~/.aws/credentials" : shared_file()));
}

/// The time in "2026-11-30T12:00:00Z".
std::optional<std::chrono::sys_seconds> utc(const std::string& text) {
  std::tm parts{};
  std::istringstream from{text};
  from >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%S");
  if (!from) return std::nullopt;
  return std::chrono::sys_seconds{std::chrono::seconds{timegm(&parts)}};
}

}  // namespace

std::optional<credentials> of_profile(std::string_view text, std::string_view profile) {
  std::istringstream lines{std::string{text}};
  std::string line;
  credentials found;
  bool inside = false;
  while (std::getline(lines, line)) {
    const auto all = trimmed(line);
    if (all.empty() || all[0] == '#' || all[0] == ';') continue;
    if (all[0] == '[') {
      inside = all.back() == ']' && trimmed(all.substr(1, all.size() - 2)) == profile;
      continue;
    }
    const auto equals = all.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    const auto name = trimmed(all.substr(0, equals));
    const auto value = trimmed(all.substr(equals + 1));
    if (name == "aws_access_key_id") found.key_id = value;
    if (name == "aws_secret_access_key") found.secret = value;
    if (name == "aws_session_token") found.session_token = value;
  }
  if (found.key_id.empty() || found.secret.empty()) return std::nullopt;
  return found;
}

std::optional<credentials> of_endpoint(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto value = [&json](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  credentials found{value("AccessKeyId"), value("SecretAccessKey"), value("Token"),
                    utc(value("Expiration"))};
  if (found.key_id.empty() || found.secret.empty()) return std::nullopt;
  return found;
}

result<credentials> credential_source::get() {
  const std::lock_guard guard{lock_};
  const auto now = std::chrono::system_clock::now();
  if (known_ && (!known_->expires || now < *known_->expires - minutes{5})) return *known_;
  auto found = look();
  // What is known serves as long as it lasts: an endpoint may fail for a moment.
  if (!found && known_ && now < *known_->expires) return *known_;
  if (!found) return fail(std::move(found.error()));
  known_ = *std::move(found);
  return *known_;
}

void credential_source::forget() {
  const std::lock_guard guard{lock_};
  known_.reset();
}

}}}  // namespace nexus::v0::dynamodb
