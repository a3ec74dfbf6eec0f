// Checks for ids and tags, which are text of unknown origin.
//
// Threads: any. Throws: only when memory runs out.
#pragma once

#include <string>
#include <string_view>

namespace nexus { inline namespace v0 {

/// Well-formed UTF-8 by the table in the Unicode standard (3.9, table 3-7): no overlong forms, no
/// surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

/// The smallest UTF-8 text past all texts that begin with `prefix`; empty if there is none.
[[nodiscard]] std::string past_all_with(std::string_view prefix);

/// The smallest UTF-8 text without NUL that is past any `bytes`, bytewise; empty if there is none.
[[nodiscard]] std::string first_past(std::string_view bytes);

/// `text` in a form for messages: printable, cut short.
[[nodiscard]] std::string shown(std::string_view text);

}}  // namespace nexus::v0
