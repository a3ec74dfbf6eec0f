#include "address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "environment.hpp"
#include "nexus/persistence_id.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

bool is_name(std::string_view text, std::string_view also) {
  const auto fits = [also](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           also.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, fits);
}

template <class N>
bool read_number(const std::string& text, N& into) {
  const auto* const end = text.data() + text.size();
  const auto [at, why] = std::from_chars(text.data(), end, into);
  return why == std::errc{} && at == end;
}

/// "500ms" or "30s".
std::optional<std::chrono::milliseconds> duration(std::string_view text) {
  const bool millis = text.ends_with("ms");
  if (!millis && !text.ends_with('s')) return std::nullopt;
  text.remove_suffix(millis ? 2 : 1);
  std::uint32_t number = 0;
  if (!read_number(std::string{text}, number)) return std::nullopt;
  return millis ? std::chrono::milliseconds{number} : std::chrono::seconds{number};
}

bool is_host(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && text.back() != ']') {
    unsigned port = 0;
    if (!read_number(std::string{text.substr(colon + 1)}, port) || port == 0 || port > 65'535) {
      return false;
    }
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) {
    return is_name(text.substr(1, text.size() - 2), ":.");
  }
  return is_name(text, "-.");
}

}  // namespace

std::optional<chosen_indexes> chosen_indexes::from(std::string_view list) {
  chosen_indexes made;
  if (list == "none") return made;
  for (;;) {
    const auto comma = list.find(',');
    const auto name = list.substr(0, comma);
    if (name != "tag" && name != "states") return std::nullopt;
    (name == "tag" ? made.tag : made.states) = true;
    if (comma == std::string_view::npos) return made;
    list.remove_prefix(comma + 1);
  }
}

std::string chosen_indexes::to_string() const {
  if (tag) return states ? "tag,states" : "tag";
  return states ? "states" : "none";
}

result<address> address::from(const uri& where) {
  if (auto known = where.only(std::array<std::string_view, 9>{"region", "tls", "strands", "actions",
                                                              "timeout", "read_models", "tables",
                                                              "indexes", "ca"});
      !known) {
    return fail(std::move(known.error()));
  }
  const auto bad = [&where](const std::string& why) {
    return fail(errc::invalid_argument, fmt::format("journal URI \"{}\": {}", where.shown(), why));
  };
  const auto given = [&where](const char* name) {
    const auto found = where.parameters.find(name);
    return found == where.parameters.end() ? std::string{} : found->second;
  };
  const auto slash = where.path.find('/', 2);
  if (!where.path.starts_with("//") || slash == std::string::npos) {
    return bad("expected dynamodb://HOST[:PORT]/PREFIX or dynamodb://aws/PREFIX");
  }
  address made;
  made.host = where.path.substr(2, slash - 2);
  made.prefix = where.path.substr(slash + 1);
  made.on_aws = made.host == "aws";
  if (!is_host(made.host)) return bad(fmt::format("\"{}\" is no host", made.host));
  constexpr std::size_t prefix_max = 200;  // of 255 bytes of a table's name
  if (!is_name(made.prefix, "-._") || made.prefix.size() > prefix_max) {
    return bad("the prefix of the tables is not 1 to 200 letters, digits, '-', '.' or '_'");
  }
  made.read_models = given("read_models");
  if (made.read_models.empty()) made.read_models = made.prefix + "_read_models";
  constexpr std::size_t name_max = 255;
  if (!is_name(made.read_models, "-._") || made.read_models.size() > name_max ||
      made.read_models == made.journal_table()) {
    return bad(fmt::format("\"{}\" cannot be the table of read models", made.read_models));
  }
  made.region = given("region");
  if (made.region.empty()) made.region = environment("AWS_REGION");
  if (made.region.empty()) made.region = environment("AWS_DEFAULT_REGION");
  if (made.region.empty()) {
    if (made.on_aws) return bad("no region: give region=, or set AWS_REGION");
    made.region = "us-east-1";
  }
  if (!is_name(made.region, "-")) return bad(fmt::format("\"{}\" is no region", made.region));
  auto tls = given("tls");
  if (tls.empty()) tls = made.on_aws ? "on" : "off";
  if (tls != "on" && tls != "off") return bad(fmt::format("tls is \"{}\", not on or off", tls));
  made.ca = given("ca");
  if (!made.ca.empty() && tls == "off") return bad("ca names certificates, but tls is off");
  const auto tables = given("tables");
  made.creates = tables != "existing";
  if (!tables.empty() && tables != "create" && tables != "existing") {
    return bad(fmt::format("tables is \"{}\", not create or existing", tables));
  }
  if (const auto text = given("strands"); !text.empty()) {
    std::uint32_t strands = 0;
    if (!read_number(text, strands) || strands == 0 || persistence_id::slices % strands != 0) {
      return bad(
          fmt::format("strands is \"{}\", not a divisor of {}", text, persistence_id::slices));
    }
    made.strands = strands;
  }
  if (const auto text = given("indexes"); !text.empty()) {
    made.indexes = chosen_indexes::from(text);
    if (!made.indexes) {
      return bad(fmt::format("indexes is \"{}\", not none or a list of tag and states", text));
    }
  }
  if (const auto text = given("actions"); !text.empty()) {
    std::size_t actions = 0;
    if (!read_number(text, actions) || actions < actions_min || actions > actions_max) {
      return bad(fmt::format("actions is \"{}\", not {} to {}", text, actions_min, actions_max));
    }
    made.actions = actions;
  }
  if (const auto text = given("timeout"); !text.empty()) {
    const auto span = duration(text);
    if (!span || *span < timeout_min || *span > timeout_max) {
      return bad(fmt::format("timeout is \"{}\", not 100ms to 600s", text));
    }
    made.timeout = *span;
  }
  if (made.on_aws) made.host = fmt::format("dynamodb.{}.amazonaws.com", made.region);
  made.url = (tls == "on" ? "https://" : "http://") + made.host;
  return made;
}

std::string address::name() const {
  if (on_aws) return fmt::format("dynamodb://aws/{}?region={}", prefix, region);
  return fmt::format("dynamodb://{}/{}", host, prefix);
}

}}}  // namespace nexus::v0::dynamodb
