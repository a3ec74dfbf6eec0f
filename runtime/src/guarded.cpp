#include "nexus/detail/guarded.hpp"

namespace nexus { inline namespace v0 { namespace detail {

std::string thrown_text() noexcept {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "not a std::exception";
  }
}

}}}
