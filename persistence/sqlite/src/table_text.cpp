#include "table_text.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

struct token {
  enum class form : std::uint8_t { word, quoted, text, sign };
  form is;
  std::string value;       // without quotes
  std::size_t begin, end;  // in the text

  [[nodiscard]] bool is_sign(char c) const { return is == form::sign && value[0] == c; }
  [[nodiscard]] bool is_word(const char* keyword) const {
    return is == form::word && sqlite3_stricmp(value.c_str(), keyword) == 0;
  }
  [[nodiscard]] bool is_name() const { return is == form::word || is == form::quoted; }
};

bool in_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || c == '$' || byte >= 0x80;
}

// The end of a comment or of white space at `at`; `at` if there is none.
std::size_t past_blank(std::string_view text, std::size_t at) {
  if (std::isspace(static_cast<unsigned char>(text[at])) != 0) return at + 1;
  const auto rest = text.substr(at);
  const std::string_view ending = rest.starts_with("--")   ? "\n"
                                  : rest.starts_with("/*") ? "*/"
                                                           : "";
  if (ending.empty()) return at;
  const auto end = text.find(ending, at + 2);
  return end == std::string_view::npos ? text.size() : end + ending.size();
}

token quoted(std::string_view text, std::size_t at) {
  const char close = text[at] == '[' ? ']' : text[at];
  token made{close == '\'' ? token::form::text : token::form::quoted, "", at, text.size()};
  for (auto i = at + 1; i < text.size(); ++i) {
    if (text[i] == close) {
      const bool doubled = close != ']' && i + 1 < text.size() && text[i + 1] == close;
      if (!doubled) {
        made.end = i + 1;
        break;
      }
      ++i;
    }
    made.value += text[i];
  }
  return made;
}

std::vector<token> tokens_of(std::string_view text) {
  std::vector<token> all;
  for (std::size_t at = 0; at < text.size();) {
    if (const auto past = past_blank(text, at); past != at) {
      at = past;
      continue;
    }
    if (std::string_view{"\"'`["}.find(text[at]) != std::string_view::npos) {
      all.push_back(quoted(text, at));
    } else {
      auto end = at + 1;
      const bool word = in_word(text[at]);
      while (word && end < text.size() && in_word(text[end])) ++end;
      all.push_back({word ? token::form::word : token::form::sign,
                     std::string{text.substr(at, end - at)}, at, end});
    }
    at = all.back().end;
  }
  return all;
}

// Goes through the items between the outer parentheses, each a column or a constraint of the table.
class table_reader {
 public:
  explicit table_reader(std::string_view text) : text_{text}, tokens_{tokens_of(text)} {}

  std::vector<declared_constraint> read() {
    if (tokens_.empty() || !tokens_[0].is_word("CREATE") || word(1, "VIRTUAL")) return {};
    while (at_ < tokens_.size() && !tokens_[at_].is_sign('(')) ++at_;
    ++at_;
    bool begins = true;
    while (at_ < tokens_.size() && !tokens_[at_].is_sign(')')) {
      if (std::exchange(begins, false)) {
        begin_item();
      } else if (tokens_[at_].is_sign(',')) {
        begins = true;
        ++at_;
      } else {
        read_part();
      }
    }
    for (auto& one : found_) spell(one);
    return std::move(found_);
  }

 private:
  [[nodiscard]] bool word(std::size_t at, const char* keyword) const {
    return at < tokens_.size() && tokens_[at].is_word(keyword);
  }
  [[nodiscard]] bool sign(std::size_t at, char c) const {
    return at < tokens_.size() && tokens_[at].is_sign(c);
  }

  void begin_item() {
    static constexpr std::array constraints{"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"};
    column_.reset();
    name_.clear();
    if (std::ranges::any_of(constraints, [&](const auto* one) { return word(at_, one); })) return;
    column_ = tokens_[at_++].value;
    columns_.push_back(*column_);
  }

  void read_part() {
    if (word(at_, "CONSTRAINT") && at_ + 1 < tokens_.size()) {
      name_ = tokens_[at_ + 1].value;
      at_ += 2;
    } else if (word(at_, "PRIMARY") || word(at_, "UNIQUE")) {
      at_ += word(at_, "PRIMARY") ? 2 : 1;
      add({.kind = constraint_kind::unique, .columns = column_ ? one_column() : list()});
    } else if (word(at_, "CHECK") && sign(at_ + 1, '(')) {
      ++at_;
      add_check();
    } else if (word(at_, "FOREIGN")) {
      at_ += 2;
      foreign_ = list();
    } else if (word(at_, "REFERENCES") && at_ + 1 < tokens_.size()) {
      auto columns = column_ ? one_column() : std::exchange(foreign_, {});
      add({.kind = constraint_kind::foreign_key,
           .columns = std::move(columns),
           .parent = tokens_[at_ + 1].value});
      at_ += 2;
    } else if (sign(at_, '(')) {
      skip_group();
    } else {
      // The name was that of a constraint without interest here.
      if (word(at_, "NOT") || word(at_, "NULL") || word(at_, "DEFAULT")) name_.clear();
      ++at_;
    }
  }

  void add(declared_constraint one) {
    one.name = std::exchange(name_, {});
    found_.push_back(std::move(one));
  }

  [[nodiscard]] std::vector<std::string> one_column() const { return {*column_}; }

  // "(a, b COLLATE c DESC)": the first word of each part.
  std::vector<std::string> list() {
    std::vector<std::string> all;
    if (!sign(at_, '(')) return all;
    const auto begin = at_ + 1;
    skip_group();
    bool first = true;
    int depth = 0;
    for (auto i = begin; i + 1 < at_; ++i) {
      if (tokens_[i].is_sign('(')) ++depth;
      if (tokens_[i].is_sign(')')) --depth;
      if (first) all.push_back(tokens_[i].value);
      first = depth == 0 && tokens_[i].is_sign(',');
    }
    return all;
  }

  void add_check() {
    const auto begin = at_ + 1;
    skip_group();
    declared_constraint one{.kind = constraint_kind::check};
    for (auto i = begin; i + 1 < at_; ++i) {
      if (tokens_[i].is_name() && !sign(i + 1, '(')) one.columns.push_back(tokens_[i].value);
    }
    if (begin + 1 < at_) {
      // From the parenthesis on, as comments belong to it.
      auto inner =
          text_.substr(tokens_[begin - 1].end, tokens_[at_ - 1].begin - tokens_[begin - 1].end);
      const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
      while (!inner.empty() && is_space(inner.front())) inner.remove_prefix(1);
      while (!inner.empty() && is_space(inner.back())) inner.remove_suffix(1);
      one.expression = inner;
    }
    add(std::move(one));
  }

  // Past the parenthesis that closes the one at `at_`.
  void skip_group() {
    int depth = 0;
    for (; at_ < tokens_.size(); ++at_) {
      if (tokens_[at_].is_sign('(')) ++depth;
      if (tokens_[at_].is_sign(')') && --depth == 0) {
        ++at_;
        return;
      }
    }
  }

  // Of a check only the names of columns remain, each once.
  void spell(declared_constraint& one) const {
    std::vector<std::string> spelled;
    for (const auto& name : one.columns) {
      const auto column = std::ranges::find_if(
          columns_, [&](const std::string& known) { return same_name(known, name); });
      if (column == columns_.end()) continue;
      if (std::ranges::find(spelled, *column) == spelled.end()) spelled.push_back(*column);
    }
    one.columns = std::move(spelled);
  }

  std::string_view text_;
  std::vector<token> tokens_;
  std::size_t at_ = 0;
  std::optional<std::string> column_;  // none: the item is a constraint of the table
  std::string name_;                   // after CONSTRAINT
  std::vector<std::string> foreign_;   // after FOREIGN KEY
  std::vector<std::string> columns_;
  std::vector<declared_constraint> found_;
};

}  // namespace

std::vector<declared_constraint> declared_constraints(std::string_view text) {
  return table_reader{text}.read();
}

bool same_name(const std::string& a, const std::string& b) noexcept {
  return sqlite3_stricmp(a.c_str(), b.c_str()) == 0;
}

bool same_names(const std::vector<std::string>& a, const std::vector<std::string>& b) noexcept {
  return std::ranges::equal(a, b, same_name);
}

}}}  // namespace nexus::v0::sqlite
