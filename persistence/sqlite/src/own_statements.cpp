#include "own_statements.hpp"

#include <SQLiteCpp/Exception.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace nexus { inline namespace v0 { namespace sqlite {

namespace {

std::size_t number_of(sqlite3_stmt* s, int at) {
  const char* name = sqlite3_bind_parameter_name(s, at);
  if (name == nullptr) return static_cast<std::size_t>(at);
  const std::string_view text{name};
  std::size_t number = 0;
  if (text[0] != '$' && text[0] != '?') return 0;
  const auto [end, bad] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
  return bad == std::errc{} && end == text.data() + text.size() ? number : 0;
}

}  // namespace

std::unique_ptr<own_statement> own_statements::take(sqlite3* db, std::string_view text) {
  const auto found = std::find_if(kept_.rbegin(), kept_.rend(),
                                  [&](const auto& one) { return one->text == text; });
  if (found != kept_.rend()) {
    auto taken = std::move(*found);
    kept_.erase(std::next(found).base());
    return taken;
  }
  auto made = std::make_unique<own_statement>();
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const auto flags = text.size() <= text_bytes_max ? SQLITE_PREPARE_PERSISTENT : 0;
  const int code =
      sqlite3_prepare_v3(db, text.data(), static_cast<int>(text.size()), flags, &raw, &tail);
  if (code != SQLITE_OK) throw SQLite::Exception(db, code);
  made->handle.reset(raw);
  made->writes = sqlite3_stmt_readonly(raw) == 0;
  made->alone = detail::first_word({tail, text.data() + text.size()}).empty();
  for (int at = 1; at <= sqlite3_bind_parameter_count(raw); ++at) {
    made->parameters.push_back(number_of(raw, at));
  }
  if (text.size() <= text_bytes_max) made->text = text;
  return made;
}

void own_statements::keep(std::unique_ptr<own_statement> done) {
  if (done->text.empty()) return;
  sqlite3_reset(done->handle.get());
  if (std::exchange(done->borrows, false)) sqlite3_clear_bindings(done->handle.get());
  if (kept_.size() == kept_max) kept_.erase(kept_.begin());
  kept_.push_back(std::move(done));
}

}}}  // namespace nexus::v0::sqlite
