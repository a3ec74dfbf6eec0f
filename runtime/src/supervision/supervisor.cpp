#include "nexus/supervisor.hpp"

#include <utility>

#include "nexus/detail/may_wait.hpp"
#include "nexus/stepping.hpp"
#include "nexus/system.hpp"
#include "supervision/supervisor_group.hpp"

namespace nexus { inline namespace v0 {

supervisor::supervisor(system& on, std::string name, supervision how, supervisor* parent)
    : on_{on.shared()} {
  auto checked =
      name.empty() ? fail(errc::invalid_argument, "a supervisor needs a name") : check(how);
  group_ = std::make_shared<supervision_group>(std::move(name), std::move(how),
                                               parent == nullptr ? nullptr : parent->group_,
                                               on.letters(), on.random());
  if (checked) checked = on.claim(group_->name(), std::weak_ptr<void>{group_});
  is_named_ = checked.has_value();
  if (checked) checked = group_->join_parent();
  if (checked) {
    on_->join(group_);
    sample();
  } else {
    group_->close(std::move(checked.error()));
  }
}

void supervisor::sample() {
  auto add = [&](directive d, std::uint64_t supervision_counts::*which) {
    sampled_.push_back(on_->metrics().sample(
        "nexus_supervision_total", "Measures applied to members of a supervisor.",
        {{"supervisor", group_->path()}, {"directive", std::string{to_string(d)}}},
        [of = group_, which] { return static_cast<double>(of->counts().*which); },
        metric_kind::counter));
  };
  add(directive::restart, &supervision_counts::restarts);
  add(directive::resume, &supervision_counts::resumes);
  add(directive::stop, &supervision_counts::stops);
  add(directive::escalate, &supervision_counts::escalations);
}

supervisor::~supervisor() {
  group_->stop_all();
  if (auto* by_hand = on_->stepping()) {
    // No other thread steps them.
    if (!by_hand->is_within_a_step()) {
      (void)by_hand->run_until([&] { return group_->empty(); });
    }
  } else if (!on_->has_ended() && detail::no_waiting_here() == nullptr) {
    // On a thread that must not wait, its actors end later, each after its current message.
    group_->wait_until_empty();
  }
  group_->leave_parent();
  if (is_named_) on_->release(group_->name());
}

result<void> supervisor::status() const { return group_->status(); }
std::vector<std::string> supervisor::children() const { return group_->children(); }
void supervisor::stop() { group_->stop_all(); }
const std::string& supervisor::path() const noexcept { return group_->path(); }
supervision_counts supervisor::counts() const noexcept { return group_->counts(); }

}}  // namespace nexus::v0
