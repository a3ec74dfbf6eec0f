// The journal of relational entities: sessions of another journal, which write rows.
#include <fmt/format.h>

#include <utility>

#include "nexus/clock.hpp"
#include "nexus/detail/row_shape.hpp"
#include "row_session.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

class row_journal final : public journal {
 public:
  explicit row_journal(std::shared_ptr<journal> inner) : inner_{std::move(inner)} {}

  result<std::unique_ptr<journal_session>> open_session() override {
    auto opened = inner_->open_session();
    if (!opened) return fail(std::move(opened.error()));
    return std::make_unique<row_session>(*std::move(opened), tables_, ids_.next());
  }
  result<std::unique_ptr<journal_watch>> watch() override {
    return fail(errc::invalid_argument, name() + ": rows are not watched");
  }
  journal_limits limits() const override { return inner_->limits(); }
  std::size_t reads_at_once() const noexcept override { return inner_->reads_at_once(); }
  std::optional<error> trouble() override { return inner_->trouble(); }
  std::string name() const override { return inner_->name() + " rows"; }

  row_tables& tables() noexcept { return *tables_; }

 private:
  const std::shared_ptr<journal> inner_;
  const std::shared_ptr<row_tables> tables_ = std::make_shared<row_tables>();
  const wall_clock clock_;
  ulid_generator ids_{clock_};
};

}  // namespace

result<store> rows_beside(const store& in, std::string_view type,
                          const std::shared_ptr<row_shape>& shape) {
  const auto named = [&](error why) {
    why.message = fmt::format("entities \"{}\": {}", type, why.message);
    return fail(std::move(why));
  };
  auto session = in.open_session();
  if (!session) return named(std::move(session.error()));
  if (!(*session)->has_sql()) {
    return named({errc::invalid_argument, in.name() + " has no tables of the program"});
  }
  if (auto done = shape->check(**session); !done) return named(std::move(done.error()));
  auto made = beside(in, [](std::shared_ptr<journal> of) -> std::shared_ptr<journal> {
    return std::make_shared<row_journal>(std::move(of));
  });
  if (!made) return named(std::move(made.error()));
  // The shape lives as long as its tables.
  static_cast<row_journal&>(*journal_of(*made))
      .tables()
      .add(type, std::shared_ptr<const entity_tables>{shape, &shape->tables});
  return made;
}

}}}  // namespace nexus::v0::detail
