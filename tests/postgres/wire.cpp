#include "wire.hpp"

#include <cstdint>
#include <utility>

namespace nexus::test {
namespace {

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t n = 0;
  for (std::size_t i = at; i < at + 4; ++i) n = n << 8U | static_cast<unsigned char>(bytes[i]);
  return n;
}

// Takes a text that ends with NUL from the front.
std::string take_text(std::string_view& from) {
  const auto end = from.find('\0');
  std::string text{from.substr(0, end)};
  from.remove_prefix(end == std::string_view::npos ? from.size() : end + 1);
  return text;
}

}  // namespace

std::optional<message> client_stream::next() {
  const std::size_t type = started_ ? 1 : 0;
  if (buffer_.size() < type + 4) return std::nullopt;
  const auto size = type + number_at(buffer_, type);
  if (buffer_.size() < size || size < type + 4) return std::nullopt;
  message made{buffer_.substr(0, size), {}};
  buffer_.erase(0, size);
  const auto body = std::string_view{made.bytes}.substr(type + 4);
  if (started_) {
    made.ends = note(made.bytes[0], body);
  } else {
    // Requests for encryption (1234.5679, 1234.5680) come before the startup message.
    started_ = body.size() >= 4 && number_at(body, 0) >> 16U == 3;
  }
  return made;
}

std::optional<unit> client_stream::note(char type, std::string_view body) {
  switch (type) {
    case 'P': {
      auto name = take_text(body);
      texts_[std::move(name)] = take_text(body);
      return std::nullopt;
    }
    case 'B': {
      auto portal = take_text(body);
      auto statement = take_text(body);
      portals_[std::move(portal)] = statement.empty() ? texts_[""] : std::move(statement);
      return std::nullopt;
    }
    case 'E':
      current_.executed.push_back(portals_[take_text(body)]);
      return std::nullopt;
    case 'Q':
      current_.query = take_text(body);
      return std::exchange(current_, {});
    case 'S':
      return std::exchange(current_, {});
    default:
      return std::nullopt;
  }
}

}  // namespace nexus::test
