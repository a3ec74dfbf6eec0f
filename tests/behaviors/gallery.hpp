// A gallery has every effect that tally.hpp does not have; a guide asks it.
#pragma once

#include <array>
#include <nexus/nexus.hpp>
#include <string>
#include <variant>

namespace nexus::test {

struct gallery {
  static constexpr std::string_view entity_type = "gallery";

  struct open {};
  struct shut {};
  struct enter {};  ///< waits until the gallery is open; answers how many have entered
  struct leave {};  ///< the gallery passivates after the guest has left
  struct photograph {};
  struct look {};
  using command = std::variant<open, shut, enter, leave, photograph, look>;

  struct opened {
    static constexpr std::string_view type_name = "opened";
  };
  struct closed {
    static constexpr std::string_view type_name = "closed";
  };
  struct entered {
    static constexpr std::string_view type_name = "entered";
  };
  using event = std::variant<opened, closed, entered>;

  struct state {
    bool is_open = false;
    std::int64_t visitors = 0;
    MSGPACK_DEFINE_MAP(is_open, visitors)
  };

  static auto decide(const state&, const open&) {
    return nexus::persist(opened{}).with_metadata("by", "janitor").then_unstash();
  }
  static auto decide(const state&, const shut&) { return nexus::persist(closed{}); }
  static effect<gallery, std::int64_t> decide(const state& s, const enter&) {
    if (!s.is_open) return nexus::stash();
    return nexus::persist(entered{}).then_reply(&state::visitors);
  }
  static auto decide(const state&, const leave&) { return nexus::passivate(); }
  static auto decide(const state&, const photograph&) { return nexus::snapshot(); }
  static auto decide(const state& s, const look&) { return nexus::reply(s.visitors); }

  static void apply(state& s, const opened&) { s.is_open = true; }
  static void apply(state& s, const closed&) { s.is_open = false; }
  static void apply(state& s, const entered&) { ++s.visitors; }

  static std::array<std::string, 2> tags(const entered&) { return {"visit", "people"}; }
  static bool snapshot_when(const state& s, const event&, sequence_nr) {
    return s.visitors > 0 && s.visitors % 10 == 0;
  }
};

struct guide {
  static constexpr std::string_view entity_type = "guide";

  struct visit {
    std::string gallery;
    MSGPACK_DEFINE_MAP(gallery)
  };
  struct came_in {
    std::int64_t number = 0;
    std::string failure;
    MSGPACK_DEFINE_MAP(number, failure)
  };
  struct wait {};  ///< answers when a guest has entered, or could not
  struct starts {};
  using command = std::variant<visit, came_in, wait, starts>;

  struct started {
    static constexpr std::string_view type_name = "started";
  };
  struct visited {
    static constexpr std::string_view type_name = "visited";
    std::int64_t number = 0;
    std::string failure;
    MSGPACK_DEFINE_MAP(number, failure)
  };
  using event = std::variant<started, visited>;

  struct state {
    std::int64_t starts = 0;
    std::string last;
    MSGPACK_DEFINE_MAP(starts, last)
  };

  static auto decide(const state&, const visit& c) {
    return nexus::ask<gallery>(c.gallery, gallery::enter{}, [](result<std::int64_t> r) {
      return r ? came_in{*r, {}} : came_in{0, r.error().message};
    });
  }
  static auto decide(const state&, const came_in& c) {
    return nexus::persist(visited{c.number, c.failure}).then_unstash();
  }
  static effect<guide, std::string> decide(const state& s, const wait&) {
    if (s.last.empty()) return nexus::stash();
    return nexus::reply(s.last);
  }
  static auto decide(const state& s, const starts&) { return nexus::reply(s.starts); }

  static effect<guide> on_recovered(const state&) { return nexus::persist(started{}); }

  static void apply(state& s, const started&) { ++s.starts; }
  static void apply(state& s, const visited& e) {
    s.last = e.failure.empty() ? "number " + std::to_string(e.number) : e.failure;
  }
};

}
