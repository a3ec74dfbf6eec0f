#include "recoveries.hpp"

#include <mutex>

namespace nexus::inline v0::detail {

class recoveries::state : public std::enable_shared_from_this<state> {
 public:
  state(system& s, const entity_options& options)
      : sys_{s}, max_{options.recoveries_max}, period_{options.recovery_timeout} {}

  ticket ask(const mailbox& who) {
    std::lock_guard guard{lock_};
    ticket made;
    made.of_ = shared_from_this();
    made.at_ = waiting_.insert(waiting_.end(), {who, false});
    call_next();
    return made;
  }

  void end(std::list<holder>::iterator at) {
    mailbox next;
    {
      std::lock_guard guard{lock_};
      (at->called ? under_way_ : waiting_).erase(at);
      next = call_next();
    }
    if (next) next.send(envelope{new called_message});
  }

  bool called(std::list<holder>::iterator at) {
    std::lock_guard guard{lock_};
    return at->called;
  }

  /// Asks everyone whose turn it is how far they are. False when there is nobody.
  bool look() {
    std::lock_guard guard{lock_};
    for (const auto& one : under_way_) one.who.send(envelope{new watch_message});
    watching_ = !under_way_.empty();
    return watching_;
  }

  void close() {
    std::lock_guard guard{lock_};
    if (watchdog_) watchdog_.send(envelope{new tick{tick::what::end}});
    watchdog_ = {};
    closed_ = true;
  }

 private:
  struct tick final : message {
    enum class what : std::uint8_t { begin, look, end };
    explicit tick(what w) : message{0}, todo{w} {}
    what todo;
  };
  class watchdog;

  mailbox call_next();
  void watch();

  system& sys_;
  const unsigned max_;
  const std::chrono::microseconds period_;

  std::mutex lock_;
  std::list<holder> under_way_;
  std::list<holder> waiting_;
  mailbox watchdog_;
  bool watching_ = false;
  bool closed_ = false;
};

// Looks around once per period while there is something to see.
class recoveries::state::watchdog final : public actor {
 public:
  explicit watchdog(std::shared_ptr<state> of) : of_{std::move(of)} {}

  void started(const mailbox& self) override { self_ = self; }

  verdict receive(envelope m) override {
    const auto todo = m.as<tick>().todo;
    if (todo == tick::what::end) return verdict::stop;
    if (todo == tick::what::begin || of_->look()) {
      self_.send_after(of_->period_, envelope{new tick{tick::what::look}});
    }
    return verdict::go_on;
  }

 private:
  std::shared_ptr<state> of_;
  mailbox self_;
};

// Whose turn it is now, if somebody's is.
mailbox recoveries::state::call_next() {
  if (waiting_.empty() || under_way_.size() >= max_) return {};
  under_way_.splice(under_way_.end(), waiting_, waiting_.begin());
  under_way_.back().called = true;
  watch();
  return under_way_.back().who;
}

void recoveries::state::watch() {
  if (watching_ || closed_ || period_.count() <= 0) return;
  watching_ = true;
  if (!watchdog_) watchdog_ = sys_.spawn(std::make_unique<watchdog>(shared_from_this()));
  watchdog_.send(envelope{new tick{tick::what::begin}});
}

recoveries::recoveries(system& sys, const entity_options& options)
    : state_{std::make_shared<state>(sys, options)} {}

recoveries::ticket::~ticket() {
  if (of_ != nullptr) of_->end(at_);
}

bool recoveries::ticket::called() const { return of_ != nullptr && of_->called(at_); }

recoveries::ticket recoveries::ask(const mailbox& who) { return state_->ask(who); }

void recoveries::close() { state_->close(); }

}
