#include "node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "incarnation.hpp"
#include "words.hpp"

namespace nexus::simulation {
namespace {

enum : std::uint32_t { of_node = 500 };

}  // namespace

node::node(std::uint32_t number, surroundings& s, model_journal& journal, listeners to)
    : number_{number},
      s_{s},
      journal_{journal},
      to_{std::move(to)},
      id_{*persistence_id::make("simulated", "one")},
      choices_{s.planned.seed, of_node, number} {}

node::~node() = default;

void node::line(const std::string& text) {
  if (s_.trace) s_.trace(fmt::format("{:>8} {}  {}", s_.time.now(), char('A' + number_), text));
}

// -- what happens to it -----------------------------------------------------------------------

void node::send(command_id id) {
  auto& f = s_.fate_of(id);
  f.seen_before = shown_;
  f.stored_before = journal_.highest();
  if (!up_ || closing_) return give_answer(f, fate::answer::failed, errc::stopped);
  if (gate_open_ && on_its_way_ >= s_.planned.mailbox_max) {
    return give_answer(f, fate::answer::failed, errc::overloaded);
  }
  if (!gate_open_) begin_incarnation();
  ++on_its_way_;  // counted before it arrives
  outstanding_.push_back(id);
  auto* call = new sim_call{live_->seen, id, f.what};
  call->header.command_id = writer_named(id);
  if (f.what.verified) call->verify = d::entity_call::check::wanted;
  if (f.what.patience != 0) {
    call->header.deadline += std::chrono::microseconds{f.sent + f.what.patience};
  }
  envelope e{call};
  call->leave();  // the asker learns the outcome from its fate
  // A caller's commands arrive in their order.
  last_arrival_ = std::max(s_.time.now() + choices_.below(5), last_arrival_ + 1);
  s_.time.at(last_arrival_, [this, to = live_->number, e] { post(to, e); });
}

void node::fire(std::uint64_t firing, timestamp seen_at, std::optional<timestamp> due) {
  if (firing_ != 0) s_.judge.broken("one firing at a time", fmt::format("firing {}", firing));
  firing_ = firing;
  firing_arrived_ = false;
  if (!up_ || closing_) return alarm_over(false);
  if (!gate_open_) begin_incarnation();
  s_.time.after(choices_.below(5), [this, firing, seen_at, due, to = live_->number] {
    if (firing_ == firing) post(to, d::alarm_due{seen_at, writer_named(firing), due});
  });
}

void node::begin_incarnation() {
  live_ = std::make_unique<incarnation>(*this, ++incarnations_);
  gate_open_ = true;
  on_its_way_ = 0;
}

void node::crash() {
  if (!up_) return;
  line("crashes");
  s_.crashed = true;
  up_ = closing_ = gate_open_ = false;
  journal_.crashed(number_);
  mailbox_.clear();
  live_.reset();
  auto lost = std::exchange(outstanding_, {});
  for (auto id : lost) give_answer(s_.fate_of(id), fate::answer::lost);
  alarm_over(false);
}

void node::close() {
  if (!up_ || closing_) return;
  line("is asked to close");
  s_.closed = true;
  closing_ = true;
  if (gate_open_) {
    post(live_->number, d::close_asked{});
  } else {
    up_ = false;
  }
}

void node::passivate(bool only_now) {
  if (gate_open_) post(live_->number, d::passivate_asked{only_now});
}

void node::restart() {
  if (gate_open_) post(live_->number, d::restart_asked{});
}

void node::start() {
  if (up_) return;
  line("starts");
  up_ = true;
  closing_ = false;
  ++writers_;
}

d::moment node::now() const {
  const std::chrono::microseconds since{s_.time.now()};
  return {timestamp{since}, std::chrono::steady_clock::time_point{since}};
}

// -- its mailbox ------------------------------------------------------------------------------

void node::post(std::uint64_t to, input what) {
  if (live_ == nullptr || live_->number != to) return;  // to one that is gone
  mailbox_.push_back(std::move(what));
  wake();
}

void node::wake() {
  if (turning_ || mailbox_.empty()) return;
  turning_ = true;
  s_.time.after(choices_.below(4), [this] { turn(); });
}

void node::turn() {
  turning_ = false;
  if (mailbox_.empty()) return;
  auto next = std::move(mailbox_.front());
  mailbox_.pop_front();
  const auto number = live_->number;
  ran_ = false;
  const bool after_append = std::holds_alternative<d::appended>(next);
  dispatch(std::move(next));
  // The gate counts every command sent: those that the machine does not hold are on their way.
  if (live_ != nullptr && live_->number == number && on_its_way_ == live_->machine.held()) {
    live_->machine.step(now(), d::drained{}, out_);
    perform_all(now());
  }
  if (live_ != nullptr && live_->number == number) leave_if_woken();
  if (live_ != nullptr && live_->number == number) check_rest(after_append);
  wake();
}

// What was started for an alarm passivates when that is over.
void node::leave_if_woken() {
  if (!live_->woken || firing_arrived_) return;
  live_->seen.commands.passivates(true);
  live_->machine.step(now(), d::passivate_asked{true}, out_);
  perform_all(now());
}

void node::check_rest(bool after_append) {
  auto& [all, commands, storage, alarm] = live_->seen;
  rest r;
  r.held = live_->machine.held();
  r.fresh = live_->machine.at() == d::entity_fsm::phase::fresh;
  r.running = live_->machine.at() == d::entity_fsm::phase::running;
  r.drained = on_its_way_ == r.held;
  r.writing = storage.writing();
  r.saving = storage.saving();
  r.after_append = after_append && !ran_;
  commands.at_rest(r);
  storage.at_rest();
  if (r.running && r.drained && !r.writing && commands.idle()) alarm.idles_on(live_->model.now);
}

void node::dispatch(input what) {
  if (s_.trace) line(std::visit([](auto& i) { return word(i); }, what));
  const bool late = comes_late(what);
  follow(what);
  std::visit([&](auto& i) { live_->machine.step(now(), std::move(i), out_); }, what);
  if (late && !out_.empty()) s_.judge.broken("what comes too late changes nothing", "");
  perform_all(now());
}

bool node::comes_late(const input& what) const {
  return std::visit(
      [&](auto& i) {
        if constexpr (requires { i.epoch; }) return i.epoch != live_->machine.epoch();
        if constexpr (requires { i.check; }) return i.check != live_->checking;
        return false;
      },
      what);
}

void node::follow_check(const d::highest_checked& what) {
  if (what.check != live_->checking) return s_.reaches(landmark::late_check);
  live_->checking = 0;
  if (!what.what) return live_->seen.commands.check_fails();
  const bool same = *what.what == live_->machine.durable();
  s_.reaches(same ? landmark::checked : landmark::overtaken);
}

void node::follow(const input& what) {
  auto& [all, commands, storage, alarm] = live_->seen;
  if (const auto* e = std::get_if<envelope>(&what)) {
    commands.arrives(e->as<sim_call>().id());
    live_->woken = false;
  } else if (const auto* a = std::get_if<d::appended>(&what)) {
    storage.append_answered(a->outcome, commands.callers_undurable());
    if (!storage.writing()) alarm.written(std::holds_alternative<stored>(a->outcome));
  } else if (const auto* s = std::get_if<d::settle_answered>(&what)) {
    storage.settled(s->what, commands.callers_undurable());
    if (!storage.writing()) alarm.settled(*s->what == settlement::stored);
  } else if (const auto* l = std::get_if<d::loaded>(&what)) {
    if (l->epoch == live_->machine.epoch() && l->what) alarm.loaded(l->what->alarm);
  } else if (const auto* w = std::get_if<d::alarm_due>(&what)) {
    firing_arrived_ = true;
    live_->woken = live_->woken || live_->machine.at() == d::entity_fsm::phase::fresh;
    alarm.asked(*w);
  } else if (const auto* r = std::get_if<d::replayed>(&what)) {
    if (r->epoch == live_->machine.epoch()) storage.read_answered();
  } else if (std::holds_alternative<d::snapshot_saved>(what)) {
    storage.save_answered();
  } else if (std::holds_alternative<d::wait_over>(what)) {
    if (comes_late(what)) return;  // of a pause that something else has ended
    commands.waited();
    storage.waited();
  } else if (const auto* p = std::get_if<d::passivate_asked>(&what)) {
    commands.passivates(p->only_now);
  } else if (const auto* h = std::get_if<d::highest_checked>(&what)) {
    follow_check(*h);
  } else if (std::holds_alternative<d::close_asked>(what)) {
    commands.closes();
    storage.closes();
  }
}

void node::perform_all(const d::moment& now) {
  for (std::size_t i = 0; i < out_.size(); ++i) {
    auto next = std::move(out_[i]);
    if (s_.trace) line("  → " + std::visit([](auto& a) { return word(a); }, next));
    std::visit([&](auto& a) { perform(now, a); }, next);
  }
  out_.clear();
}

void node::end_incarnation() {
  gate_open_ = false;
  const auto left = live_->machine.held();
  if (left != 0) {
    s_.judge.broken("a machine that stops holds no commands", fmt::format("{} are left", left));
  }
  mailbox_.clear();
  out_.clear();
  // Commands that had not arrived are dropped with their mailbox, and so answered.
  auto dropped = std::exchange(outstanding_, {});
  if (!dropped.empty() && !closing_) {
    s_.judge.broken("a gate closes only when no command is on its way",
                    fmt::format("{} were", dropped.size()));
  }
  if (!dropped.empty()) s_.reaches(landmark::dropped);
  for (auto id : dropped) give_answer(s_.fate_of(id), fate::answer::failed, errc::stopped);
  live_.reset();
  if (firing_ != 0) s_.reaches(landmark::alarm_dropped);
  alarm_over(false);
}

}
