#include "own_statements.hpp"

#include <SQLiteCpp/Exception.h>

#include <algorithm>
#include <utility>

#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

own_statement own_statements::take(sqlite3* db, std::string_view text) {
  const auto found = std::find_if(kept_.rbegin(), kept_.rend(),
                                  [&](const own_statement& one) { return one.text == text; });
  if (found != kept_.rend()) {
    auto taken = std::move(*found);
    kept_.erase(std::next(found).base());
    return taken;
  }
  own_statement made;
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const auto flags = text.size() <= text_bytes_max ? SQLITE_PREPARE_PERSISTENT : 0;
  const int code =
      sqlite3_prepare_v3(db, text.data(), static_cast<int>(text.size()), flags, &raw, &tail);
  if (code != SQLITE_OK) throw SQLite::Exception(db, code);
  made.handle.reset(raw);
  made.alone = detail::first_word({tail, text.data() + text.size()}).empty();
  if (text.size() <= text_bytes_max) made.text = text;
  return made;
}

void own_statements::keep(own_statement done) {
  if (done.text.empty()) return;
  sqlite3_reset(done.handle.get());
  sqlite3_clear_bindings(done.handle.get());
  if (kept_.size() == kept_max) kept_.erase(kept_.begin());
  kept_.push_back(std::move(done));
}

}}}  // namespace nexus::v0::sqlite
