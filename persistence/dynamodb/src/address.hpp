// What a dynamodb: URI says.
//
// Threads: a value. Failures: `invalid_argument`, which names the URI and the parameter.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nexus/uri.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// What is written beside the events and states, so that reads find them without scanning. Fixed
/// when the tables are made: each process must write it.
struct chosen_indexes {
  bool tag = false;     ///< events by tag
  bool states = false;  ///< durable states by their last change

  /// "none", or a list of "tag" and "states"; none: it names another.
  [[nodiscard]] static std::optional<chosen_indexes> from(std::string_view list);
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const chosen_indexes&, const chosen_indexes&) = default;
};

struct address {
  std::string host;  ///< with the port, if one is given
  std::string url;
  std::string region;
  std::string prefix;       ///< of the tables' names
  std::string read_models;  ///< the name of their table
  std::string ca;           ///< the file of the certificates to trust; empty: those of the system
  bool on_aws = false;
  bool creates = true;  ///< tables that are missing
  std::optional<std::uint32_t> strands{};
  std::optional<chosen_indexes> indexes{};
  std::optional<std::size_t> actions{};
  std::chrono::milliseconds timeout{30'000};  ///< of a call with all its retries

  static constexpr std::chrono::milliseconds timeout_min{100};
  static constexpr std::chrono::milliseconds timeout_max{600'000};
  static constexpr std::uint32_t default_strands = 32;
  static constexpr std::size_t actions_min = 10;
  static constexpr std::size_t actions_max = 100;

  [[nodiscard]] static result<address> from(const uri& where);

  [[nodiscard]] std::string name() const;  ///< e.g. "dynamodb://aws/bank?region=eu-central-1"
  [[nodiscard]] std::string journal_table() const { return prefix + "_journal"; }
};

}}}  // namespace nexus::v0::dynamodb
