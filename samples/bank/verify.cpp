// bank verify: every id's numbers are gapless and every event of an account decodes and applies.
#include <fmt/format.h>

#include <nexus/nexus.hpp>
#include <stdexcept>

#include "account.hpp"
#include "commands.hpp"
#include "journal.hpp"
#include "text.hpp"

namespace bank {
namespace {

class checker {
 public:
  explicit checker(nexus::journal_session& session) : session_{session} {}

  nexus::result<void> check(const nexus::persistence_id& id) {
    ++ids_;
    id_ = &id;
    state_ = {};
    last_ = 0;
    auto read = for_each_record(session_, id, [this](const nexus::record_view& record) {
      take(record);
      return true;
    });
    if (!read) return read;
    const auto highest = session_.highest(id);
    if (!highest) return nexus::fail(highest.error());
    if (*highest > last_) missing(last_ + 1, *highest);
    return {};
  }

  [[nodiscard]] std::uint64_t ids() const { return ids_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }

 private:
  void take(const nexus::record_view& record) {
    ++events_;
    if (record.number <= last_) {
      fault(record.number, "comes out of order");
    } else if (record.number > last_ + 1) {
      missing(last_ + 1, record.number - 1);
    }
    last_ = record.number;
    if (id_->type() != account::entity_type) return;  // someone else's: only its numbers are ours
    const auto event = nexus::decode_event<account>(record.event);
    if (!event) return fault(record.number, event.error().message);
    try {
      std::visit([this](const auto& e) { account::apply(state_, e); }, *event);
    } catch (const std::exception& e) {
      fault(record.number, e.what());
    }
  }

  void missing(nexus::sequence_nr from, nexus::sequence_nr to) {
    if (from == to) return fault(from, "is missing");
    ++faults_;
    fmt::print("{}: events {} to {} are missing\n", printable(id_->str()), from, to);
  }

  void fault(nexus::sequence_nr number, std::string_view what) {
    ++faults_;
    fmt::print("{}: event {} {}\n", printable(id_->str()), number, printable(what));
  }

  nexus::journal_session& session_;
  const nexus::persistence_id* id_ = nullptr;
  account::state state_;
  nexus::sequence_nr last_ = 0;
  std::uint64_t ids_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t faults_ = 0;
};

}  // namespace

int verify(const std::string& journal) {
  auto store = open_for_reading(journal);
  if (!store) return complain(store.error().message, exit_failed);
  auto session = store->open_session();
  if (!session) return complain(session.error().message, exit_failed);

  checker check{**session};
  const auto read = for_each_id(**session, "", [&](const auto& id) { return check.check(id); });
  if (!read) return complain(fmt::format("{}: {}", journal, read.error().message), exit_failed);
  fmt::print("ids     {:>9}\nevents  {:>9}\nfaults  {:>9}\n", grouped(check.ids()),
             grouped(check.events()), grouped(check.faults()));
  if (check.faults() > 0) return exit_faults;
  fmt::print("clean: numbers without a gap, every event decodes\n");
  return exit_done;
}

}  // namespace bank
