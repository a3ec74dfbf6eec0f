// Code that must not compile. REFUSED adds it; without REFUSED the file compiles.
//
// A line "// refused: TEXT" states text that the compiler's errors must contain.
#include <forward_list>
#include <map>
#include <nexus/nexus.hpp>
#include <nexus/testkit/scenario.hpp>
#include <optional>

namespace refused {

template <class Event, class Other>
struct account {
  static constexpr std::string_view entity_type = "account";
  struct change {};
  using command = std::variant<change>;
  using event = std::variant<Event, Other>;
  struct state {};
  static auto decide(const state&, const change&) { return nexus::none(); }
  static void apply(state&, const Event&) {}
  static void apply(state&, const Other&) {}
};

struct deposited {
  static constexpr std::string_view type_name = "deposited";
};
struct withdrawn {
  static constexpr std::string_view type_name = "withdrawn";
};

template <class T>
struct holder {
  T one;
  MSGPACK_DEFINE_MAP(one)
};
template <class T>
void stored() {
  holder<T> value{};
  (void)nexus::decode(nexus::encode(value), value);
}

void allowed() {
  static_assert(nexus::behavior<account<deposited, withdrawn>>);
  stored<std::optional<std::vector<std::optional<int>>>>();
  stored<std::shared_ptr<int>>();
  stored<std::chrono::system_clock::time_point>();
}

#ifdef REFUSED

// refused: std::optional or a pointer directly inside another one
void optional_of_optional() { stored<std::optional<std::optional<int>>>(); }
void optional_of_pointer() { stored<std::vector<std::optional<std::shared_ptr<int>>>>(); }
void pointer_to_optional() { stored<std::map<int, std::shared_ptr<std::optional<int>>>>(); }

// refused: a stored value owns what it holds
void view() { stored<std::string_view>(); }

// refused: a stored container is a std::array
void list() { stored<std::forward_list<int>>(); }

// refused: a stored time point counts whole seconds
using real_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::duration<double>>;
void time_as_double() { stored<real_time>(); }

#endif

}  // namespace refused
