// A jar of beans, in a table of the program.
#pragma once

#include <cstdint>
#include <nexus/nexus.hpp>
#include <nexus/relational.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace nexus::test {

inline constexpr const char* jars_table =
    "CREATE TABLE jars (id bigint PRIMARY KEY, beans bigint NOT NULL CHECK (beans >= 0), version "
    "bigint NOT NULL)";

struct jar_row {
  std::int64_t id = 0;
  std::int64_t beans = 0;
  std::int64_t version = 0;
  MSGPACK_DEFINE_MAP(id, beans, version)
};

/// `when_full` waits in the stash; until then the jar is not idle.
struct jar {
  static constexpr std::string_view entity_type = "jar";
  using row = jar_row;
  static entity_rows<row> rows() {
    mapping<row> jars{"jars"};
    jars.key("id").version("version");
    return entity_rows<row>{jars}.create_if_missing(
        [](std::string_view id) { return row{.id = std::stoll(std::string{id})}; });
  }
  struct add {
    std::int64_t n = 0;
  };
  struct count {};
  struct when_full {
    std::int64_t n = 0;
  };
  using command = std::variant<add, count, when_full>;
  static effect<jar, std::int64_t> decide(const row&, const add& c) {
    return persist([c](row& r) { r.beans += c.n; }).then_reply(&row::beans).then_unstash();
  }
  static effect<jar, std::int64_t> decide(const row& now, const count&) { return reply(now.beans); }
  static effect<jar, std::int64_t> decide(const row& now, const when_full& c) {
    if (now.beans < c.n) return stash();
    return reply(now.beans);
  }
};

inline entity_options dedicated(std::size_t max, entity_options made = {}) {
  made.connection = connection_mode::dedicated;
  made.dedicated_max = max;
  return made;
}

}  // namespace nexus::test
