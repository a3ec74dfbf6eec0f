// The table that most tests of the mapper use.
#pragma once

#include "fixture.hpp"

namespace nexus::test {

struct order {
  std::int64_t id = 0;
  std::string customer{};
  std::int64_t cents = 0;
  std::optional<std::string> note{};
  MSGPACK_DEFINE_MAP(id, customer, cents, note)
};

class Orders : public Mapped {
 protected:
  Orders() {
    create(
        "orders ({id}, customer text NOT NULL, cents bigint NOT NULL CHECK (cents >= 0), "
        "note text)");
    by.generated_key("id");
    s.take();
  }

  std::string all() { return rows("SELECT customer, cents FROM orders ORDER BY id"); }
  std::vector<std::string> statements() { return s.take(); }

  mapping<order> by{"orders"};
  mapper<order> orders{s, by};
};

}  // namespace nexus::test
