// What became of a call, as text that tests compare.
#pragma once

#include <nexus/result.hpp>
#include <string>

namespace nexus::test {

/// The error's code; "" if there is none.
template <class Result>
std::string code_of(const Result& r) {
  return r ? std::string{} : std::string{to_string(r.error().code)};
}
template <class Result>
std::string message_of(const Result& r) {
  return r ? std::string{} : r.error().message;
}

}  // namespace nexus::test
