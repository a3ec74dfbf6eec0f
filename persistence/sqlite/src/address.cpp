#include "address.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string_view>
#include <vector>

namespace nexus { inline namespace v0 { namespace sqlite {

namespace fs = std::filesystem;

result<address> address::from(const uri& where) {
  std::vector<std::string_view> known{"synchronous"};
  known.insert(known.end(), schema_choices::parameters.begin(), schema_choices::parameters.end());
  if (auto done = where.only(known); !done) return fail(done.error());
  auto choices = schema_choices::from(where);
  if (!choices) return fail(std::move(choices.error()));
  address made{.path = where.path, .name = "sqlite:" + where.path, .choices = *choices};
  auto bad = [&](std::string_view why) {
    return fail(errc::invalid_argument, fmt::format("journal URI \"{}\": {}", where.shown(), why));
  };
  if (made.path.empty()) return bad("no path; expected sqlite:PATH");
  if (made.path == ":memory:") return bad("for a journal in memory use memory:");
  if (made.path.find('\0') != std::string::npos) return bad("the path contains a NUL byte");
  if (made.choices.prefix.starts_with("sqlite_"))
    return bad("table_prefix is sqlite_, which SQLite reserves");
  if (made.choices.prefix != schema_choices::default_prefix) {
    made.name += "?table_prefix=" + made.choices.prefix;
  }
  if (auto given = where.parameters.find("synchronous"); given != where.parameters.end()) {
    made.synchronous_full = given->second == "full";
    if (!made.synchronous_full && given->second != "normal") {
      return bad(fmt::format("synchronous is \"{}\", not full or normal", given->second));
    }
  }
  // Absolute, since the program may change its directory. Also, SQLite interprets some names
  // ("file:…"), none of which begins with a slash.
  std::error_code lost;
  made.path = fs::absolute(made.path, lost).string();
  if (lost) return bad("the working directory is gone");
  return made;
}

}}}  // namespace nexus::v0::sqlite
