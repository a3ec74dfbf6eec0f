// The backend: opens the tables, and makes sessions.
#include "nexus/dynamodb.hpp"
#include "schema.hpp"
#include "session.hpp"
#include "tables.hpp"

namespace nexus { inline namespace v0 {
namespace {

using namespace dynamodb;

class dynamodb_journal final : public journal {
 public:
  explicit dynamodb_journal(std::shared_ptr<core> of) : core_{std::move(of)} {}

  result<std::unique_ptr<journal_session>> open_session() override {
    return std::make_unique<dynamodb_session>(core_);
  }
  result<std::unique_ptr<journal_watch>> watch() override {
    return commit_signal::watch(core_->appended);
  }
  journal_limits limits() const override { return core_->limits(); }
  std::uint32_t strands() const noexcept override { return core_->strands; }
  // Each appends to strands of its own: two in one strand would compete for its next number.
  unsigned writers() const override {
    for (const unsigned n : {4U, 2U}) {
      if (core_->strands % n == 0) return n;
    }
    return 1;
  }
  std::string name() const override { return core_->name; }

 private:
  const std::shared_ptr<core> core_;
};

result<std::shared_ptr<journal>> open_dynamodb(const uri& where) {
  auto to = address::from(where);
  if (!to) return fail(std::move(to.error()));
  auto server = server_of(*to);
  if (!server) return fail(std::move(server.error()));
  client by{*server};
  auto meta = open_tables(by, *to);
  if (!meta) return fail(std::move(meta.error()));
  auto actions = actions_of(by, *to);
  if (!actions) return fail(std::move(actions.error()));
  return std::make_shared<dynamodb_journal>(std::make_shared<core>(
      *std::move(to), *std::move(server), meta->strands, meta->epoch, *actions, meta->indexes));
}

}  // namespace

backend dynamodb_backend() {
  auto schema = [](const uri& where) -> result<std::unique_ptr<nexus::schema>> {
    auto to = address::from(where);
    if (!to) return fail(std::move(to.error()));
    return make_schema(*std::move(to));
  };
  return {.scheme = "dynamodb", .open = open_dynamodb, .schema = schema};
}

}}  // namespace nexus::v0
