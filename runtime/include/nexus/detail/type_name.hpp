// The name of a type as the source spells it, for labels and messages: "withdraw" of
// account::withdraw.
#pragma once

#include <cstddef>
#include <string_view>

namespace nexus { inline namespace v0 { namespace detail {

template <class T>
constexpr std::string_view pretty_function() noexcept {
  return __PRETTY_FUNCTION__;
}

// The text that the compiler puts around a type's name, measured with a type whose name is known.
struct name_frame {
  std::size_t before = pretty_function<double>().find("double");
  std::size_t after = pretty_function<double>().size() - before - 6;
};

/// With its namespaces and arguments, e.g. "bank::account::withdraw".
template <class T>
constexpr std::string_view full_type_name() noexcept {
  constexpr name_frame frame;
  constexpr auto all = pretty_function<T>();
  return all.substr(frame.before, all.size() - frame.before - frame.after);
}

/// The last component, without template arguments: "pair" of std::pair<a::b, c>. Static storage.
template <class T>
constexpr std::string_view type_name() noexcept {
  auto name = full_type_name<T>();
  // Only text at depth 0 counts: names inside the template arguments are skipped.
  std::size_t begin = 0;
  std::size_t end = name.size();
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '<' || c == '(' || c == '{') {
      if (depth++ == 0 && c == '<') end = i;
    } else if (c == '>' || c == ')' || c == '}') {
      --depth;
    } else if (depth == 0 && c == ':') {
      begin = i + 1;
      end = name.size();
    }
  }
  return name.substr(begin, end - begin);
}

}}}
