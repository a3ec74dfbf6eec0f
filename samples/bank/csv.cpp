#include "csv.hpp"

namespace bank {

csv_reader::csv_reader(std::string_view text) : text_{text} {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text_.starts_with(byte_order_mark)) text_.remove_prefix(byte_order_mark.size());
}

tl::expected<std::optional<csv_record>, csv_error> csv_reader::next() {
  while (at_ < text_.size() && at_line_end()) skip_line_end();
  if (at_ >= text_.size()) return std::nullopt;

  csv_record record{.line = line_, .fields = {}};
  for (;;) {
    const auto number = record.fields.size() + 1;
    const bool quoted = at_ < text_.size() && text_[at_] == '"';
    auto field = quoted ? quoted_field(number) : plain_field(number);
    if (!field) return tl::unexpected(std::move(field.error()));
    record.fields.push_back(std::move(*field));
    if (at_ >= text_.size()) return record;
    if (at_line_end()) {
      skip_line_end();
      return record;
    }
    ++at_;  // the comma
  }
}

tl::expected<std::string, csv_error> csv_reader::quoted_field(std::size_t number) {
  const auto line = line_;
  std::string field;
  for (++at_; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c != '"') {
      if (c == '\n') ++line_;
      field += c;
      continue;
    }
    ++at_;
    if (at_ < text_.size() && text_[at_] == '"') {
      field += '"';
      continue;
    }
    if (at_ < text_.size() && text_[at_] != ',' && !at_line_end()) {
      return tl::unexpected(csv_error{line, number, "text after the closing quote"});
    }
    return field;
  }
  return tl::unexpected(csv_error{line, number, "the quote is never closed"});
}

tl::expected<std::string, csv_error> csv_reader::plain_field(std::size_t number) {
  const auto begin = at_;
  for (; at_ < text_.size() && text_[at_] != ',' && !at_line_end(); ++at_) {
    if (text_[at_] == '"') {
      return tl::unexpected(csv_error{line_, number, "a quote inside an unquoted field"});
    }
  }
  return std::string{text_.substr(begin, at_ - begin)};
}

bool csv_reader::at_line_end() const {
  return text_[at_] == '\n' || (text_[at_] == '\r' && text_.substr(at_ + 1, 1) == "\n");
}

void csv_reader::skip_line_end() {
  at_ += text_[at_] == '\r' ? 2 : 1;
  ++line_;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string{text};
  std::string field{'"'};
  for (char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field += '"';
}

}  // namespace bank
