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

struct renamed {
  static constexpr std::string_view type_name = "renamed";
  static constexpr std::uint32_t schema_version = 2;
  int cents = 0;
  MSGPACK_DEFINE_MAP(cents)
  static void upcast(nexus::from_version<1> /*from*/, nexus::document& /*d*/) {}
};
static_assert(nexus::behavior<account<renamed, deposited>>);

/// Signatures that are unusual and sound.
struct unusual {
  static constexpr const char* entity_type = "unusual";
  struct first {};
  struct second {};
  using command = std::variant<first, second>;
  using event = std::variant<deposited, withdrawn>;
  struct state {};
  template <class C>
  static auto decide(const auto& /*state*/, C /*command*/, const nexus::context& /*c*/) noexcept {
    return nexus::persist(deposited{}).then_reply([](const auto&) { return 1; });
  }
  static void apply(auto& /*state*/, deposited /*event*/) noexcept {}
  static void apply(state& /*state*/, const withdrawn& /*event*/, int /*more*/ = 0) {}
  static auto on_recovered(const state& /*state*/, const nexus::context& /*c*/) {
    return nexus::none().then_run([](const auto&) {});
  }
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
  static_assert(nexus::behavior<unusual>);
  static_assert(!nexus::behavior<int> && !nexus::behavior<std::string>);
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
