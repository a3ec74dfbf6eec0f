// A small behavior with every effect, for tests that run one.
#pragma once

#include <nexus/nexus.hpp>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace nexus::test {

struct tally {
  static constexpr std::string_view entity_type = "tally";

  struct add {
    std::int64_t n = 0;
    MSGPACK_DEFINE_MAP(n)
  };
  struct add_each {
    std::vector<std::int64_t> ns;
    MSGPACK_DEFINE_MAP(ns)
  };
  struct add_and_run {
    std::int64_t n = 0;
    std::function<void(std::int64_t)> run;
  };
  struct write_down {
    std::string text;
    MSGPACK_DEFINE_MAP(text)
  };
  struct read {};
  struct read_text {};
  struct retire {};
  struct refuse {};
  struct puzzle {};
  struct throw_in_decide {};
  struct spoil {};
  struct own_id {};
  using command = std::variant<add, add_each, add_and_run, write_down, read, read_text, retire,
                               refuse, puzzle, throw_in_decide, spoil, own_id>;

  struct added {
    static constexpr std::string_view type_name = "added";
    std::int64_t n = 0;
    MSGPACK_DEFINE_MAP(n)
  };
  struct written {
    static constexpr std::string_view type_name = "written";
    std::string text;
    MSGPACK_DEFINE_MAP(text)
  };
  struct spoilt {
    static constexpr std::string_view type_name = "spoilt";
  };
  using event = std::variant<added, written, spoilt>;

  struct state {
    std::int64_t sum = 0;
    std::string text;
    MSGPACK_DEFINE_MAP(sum, text)
  };

  static auto decide(const state&, const add& c) {
    return nexus::persist(added{c.n}).then_reply(&state::sum);
  }
  static auto decide(const state&, const add_each& c) {
    std::vector<event> events;
    for (auto n : c.ns) events.emplace_back(added{n});
    return nexus::persist(std::move(events)).then_reply(&state::sum);
  }
  static auto decide(const state&, const add_and_run& c) {
    return nexus::persist(added{c.n})
        .then_run([run = c.run](const state& s) { run(s.sum); })
        .then_reply(&state::sum);
  }
  static auto decide(const state&, const write_down& c) { return nexus::persist(written{c.text}); }
  static auto decide(const state& s, const read&) { return nexus::reply(s.sum); }
  static auto decide(const state& s, const read_text&) { return nexus::reply(s.text); }
  static auto decide(const state&, const retire&) { return nexus::stop(); }
  static auto decide(const state&, const refuse&) { return nexus::reject("no, thank you"); }
  static auto decide(const state&, const puzzle&) { return nexus::unhandled(); }
  static effect<tally> decide(const state&, const throw_in_decide&) {
    throw std::runtime_error{"undecided"};
  }
  static auto decide(const state&, const spoil&) { return nexus::persist(spoilt{}); }
  static auto decide(const state&, const own_id&, const context& c) {
    return nexus::reply(std::string{c.id()} + " " + std::to_string(c.next_nr()));
  }

  static void apply(state& s, const added& e) { s.sum += e.n; }
  static void apply(state& s, const written& e) { s.text = e.text; }
  static void apply(state& s, const spoilt&) {
    s.sum = -1;
    throw std::runtime_error{"spoilt"};
  }
};

}
