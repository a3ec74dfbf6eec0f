// bank verify: every id's numbers are gapless, every event of an account or a transfer decodes and
// applies, no transfer lost or doubled money, and the balance sheet says what the events say.
#include <fmt/format.h>

#include <nexus/nexus.hpp>
#include <optional>
#include <stdexcept>

#include "account.hpp"
#include "audit.hpp"
#include "balance_sheet.hpp"
#include "commands.hpp"
#include "journal.hpp"
#include "text.hpp"
#include "transfer.hpp"

namespace bank {
namespace {

class checker {
 public:
  explicit checker(nexus::journal_session& session) : session_{session} {}

  // Transfers first: the accounts have posted before a transfer stores a verdict.
  nexus::result<void> check_all() {
    auto read = for_each_id(session_, transfer::entity_type, [this](const auto& id) {
      transfer::state state;
      auto done = check(id, [&](const auto& record) { fold<transfer>(record, state); });
      if (done) audit_.add(id.id(), state, last_);
      return done;
    });
    if (!read) return read;
    read = for_each_id(session_, "", [this](const auto& id) -> nexus::result<void> {
      if (id.type() == transfer::entity_type) return {};
      if (id.type() == account::entity_type) return check_account(id);
      return check(id, [](const auto&) {});  // a foreign type: only its numbers are checked
    });
    if (!read) return read;
    return check_transfers();
  }

  [[nodiscard]] const transfer_audit& audit() const { return audit_; }
  [[nodiscard]] std::uint64_t ids() const { return ids_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }

 private:
  template <class Take>
  nexus::result<void> check(const nexus::persistence_id& id, Take take) {
    ++ids_;
    id_ = &id;
    last_ = 0;
    const auto highest = session_.highest(id);  // first, since another process may be writing
    if (!highest) return nexus::fail(highest.error());
    auto read = for_each_record(session_, id, [&](const nexus::record_view& record) {
      ++events_;
      if (record.number <= last_) {
        fault(record.number, "comes out of order");
      } else if (record.number > last_ + 1) {
        missing(last_ + 1, record.number - 1);
      }
      last_ = record.number;
      take(record);
      return true;
    });
    if (!read) return read;
    if (*highest > last_) missing(last_ + 1, *highest);
    return {};
  }

  nexus::result<void> check_account(const nexus::persistence_id& id) {
    account::state state;
    const auto row = balances_in(session_).find(id.id());  // first: it may be behind the events
    if (!row) return nexus::fail(row.error());
    auto done = check(id, [&](const nexus::record_view& record) {
      const auto event = fold<account>(record, state);
      if (!event) return;
      if (*row && (*row)->events == record.number) compare(**row, state);
      if (const auto* posting = std::get_if<account::moved>(&*event)) audit_.add(id.id(), *posting);
    });
    state.transfers.for_each_open([&](const auto& one) { audit_.remembered(id.id(), one); });
    return done;
  }

  void compare(const balance& row, const account::state& state) {
    if (row.hundredths != state.hundredths) {
      fault(row.events,
            "gives other balances than the balance sheet has; `bank rebuild` repairs it");
    }
  }

  // A transfer that has moved on since it was read is in use by another process, and proves
  // nothing.
  nexus::result<void> check_transfers() {
    nexus::result<void> read;
    audit_.check([&](const auto& name, const auto& what, nexus::sequence_nr events) {
      const auto id = nexus::persistence_id::make(transfer::entity_type, name);
      const auto highest = id ? session_.highest(*id) : nexus::result<nexus::sequence_nr>{0};
      if (!highest) read = nexus::fail(highest.error());
      if (!highest || *highest > events) return;
      ++faults_;
      fmt::print("transfer|{}: {}\n", printable(name), printable(what));
    });
    return read;
  }

  // Applies the event; none if it is faulty.
  template <class B>
  std::optional<typename B::event> fold(const nexus::record_view& record,
                                        typename B::state& state) {
    auto event = nexus::decode_event<B>(record.event);
    if (!event) {
      fault(record.number, event.error().message);
      return {};
    }
    try {
      std::visit([&](const auto& e) { B::apply(state, e); }, *event);
    } catch (const std::exception& e) {
      fault(record.number, e.what());
    }
    return std::move(*event);
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
  transfer_audit audit_;
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
  if (const auto read = check.check_all(); !read) {
    return complain(fmt::format("{}: {}", nexus::uri::shown(journal), read.error().message),
                    exit_failed);
  }
  fmt::print("ids     {:>9}\nevents  {:>9}\nfaults  {:>9}\n", grouped(check.ids()),
             grouped(check.events()), grouped(check.faults()));
  const auto& audit = check.audit();
  if (audit.open() > 0) {
    fmt::print("{} of {} transfers are not over; the next `bank transfer` finishes them\n",
               grouped(audit.open()), grouped(audit.transfers()));
  }
  if (check.faults() > 0) return exit_faults;
  fmt::print("clean: numbers without a gap, every event decodes{}\n",
             audit.transfers() > 0 ? ", no transfer lost or doubled money" : "");
  return exit_done;
}

}  // namespace bank
