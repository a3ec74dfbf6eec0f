// Beginner's mistakes of those who call entities; see mistakes_behavior.cpp.
#include "mistakes.hpp"

using namespace std::chrono_literals;

#ifdef AN_ASK_OF_NO_COMMAND
// error: command_of<bank, parts::deposited>' is unavailable: this type is none of the behavior's commands
nexus::result<void> call(const nexus::entities<bank>& banks) {
  return banks.of("b").ask(bank::deposited{1}).get(1s);
}
#endif

#ifdef A_TELL_OF_NO_COMMAND
// error: command_of<bank, parts::deposited>' is unavailable: this type is none of the behavior's commands
nexus::result<void> call(const nexus::entities<bank>& banks) {
  return banks.of("b").tell(bank::deposited{1});
}
#endif

#ifdef A_GET_ON_A_TELL
// The compiler's own words.
// error: no member named 'get'
nexus::result<void> call(const nexus::entities<bank>& banks) {
  return banks.of("b").tell(bank::deposit{1}).get(1s);
}
#endif

#ifdef NO_SYSTEM
// The compiler's own words.
// g++: no matching function for call to 'nexus::v0::entities<bank>::entities(const nexus::v0::store&)'
// clang++: no matching constructor for initialization of 'const nexus::entities<bank>'
void call(const nexus::store& in) { const nexus::entities<bank> banks(in); }
#endif

#ifdef A_STORE_THAT_MAY_HAVE_FAILED
// error: is unavailable: check the result of nexus::open, then pass the store: *RESULT
void call(nexus::system& sys) {
  const auto store = nexus::open("memory:");
  const nexus::entities<bank> banks{sys, store};
}
#endif
