#include "nexus/projection.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core.hpp"
#include "nexus/journal_checks.hpp"
#include "nexus/transaction.hpp"

namespace nexus { inline namespace v0 {
namespace detail {
namespace {

using namespace std::chrono_literals;

constexpr unsigned parallel_max = cells_per_strand;
constexpr std::size_t batch_max_max = 10'000;

std::optional<error> fault_of_setup(const projection_setup& of, system& sys) {
  const auto& o = of.options;
  const auto refuse = [&](std::string_view why) {
    return error{errc::invalid_argument, fmt::format("{}: {}", of.label, why)};
  };
  if (of.which.name.size() > projection_version::name_bytes_max) {
    return refuse(fmt::format("its name has {} bytes, at most {} are allowed", of.which.name.size(),
                              projection_version::name_bytes_max));
  }
  if (auto why = fault_of_reader(of.which.name)) return refuse(why->message);
  if (of.which.version < 1) return refuse("its version must be at least 1");
  if (o.parallel < 1 || o.parallel > parallel_max) {
    return refuse(fmt::format("parallel is {}, not 1 to {}", o.parallel, parallel_max));
  }
  if (o.batch_max < 1 || o.batch_max > batch_max_max) {
    return refuse(fmt::format("batch_max is {}, not 1 to {}", o.batch_max, batch_max_max));
  }
  if (o.lease < 1s) return refuse("lease must be at least 1 s");
  if (sys.stepping() != nullptr) {
    return refuse("a stepped system runs no projections; nexus/testkit/projecting.hpp does");
  }
  return std::nullopt;
}

projection_setup made(system& sys, store source, std::string_view name,
                      std::shared_ptr<projection_handler> handler, projection_options options) {
  projection_version which{std::string{name}, options.version};
  auto label = fmt::format("projection \"{}\" version {} of {}", name, options.version,
                           handler->entity_type());
  auto target = options.target ? *options.target : source;
  // One of a name and a version per target: its offsets are there.
  auto claim = fmt::format("projection {} version {} in {}", name, options.version, target.name());
  const auto workers = target.writers() > 1 ? options.parallel : 1;
  return {std::move(which),   sys.next_id().to_string(), std::move(label),
          std::move(claim),   std::move(source),         std::move(target),
          std::move(options), std::move(handler),        workers};
}

}  // namespace

projection_handle::projection_handle(system& sys, store source, std::string_view name,
                                     std::shared_ptr<projection_handler> handler,
                                     projection_options options) {
  auto setup = made(sys, std::move(source), name, std::move(handler), std::move(options));
  auto fault = fault_of_setup(setup, sys);
  if (!fault) {
    if (auto claimed = sys.claim(setup.claim); !claimed) fault = std::move(claimed.error());
  }
  core_ = std::make_shared<projection_core>(sys, std::move(setup), std::move(fault));
  core_->start();
  sys.join(core_);
}

projection_handle::~projection_handle() {
  if (core_) core_->stop_and_wait();
}

projection_status projection_handle::status() const { return core_->status(); }
result<void> projection_handle::caught_up(time_span within) const {
  return core_->caught_up(within);
}
result<void> projection_handle::pause() const { return core_->pause(); }
result<void> projection_handle::resume() const { return core_->resume(); }
result<void> projection_handle::rebuild(std::vector<position> from) const {
  return core_->rebuild(std::move(from));
}
result<std::vector<projection_failure>> projection_handle::failures(std::size_t max) const {
  return core_->failures(max);
}
result<void> projection_handle::retry(const projection_failure& which) const {
  return core_->retry(which);
}
void projection_handle::stop() const { core_->stop_and_wait(); }

std::string reader_of(const projection_version& which) {
  return fmt::format("projection {} version {}", which.name, which.version);
}

}  // namespace detail

std::string_view to_string(projection_phase phase) noexcept {
  switch (phase) {
    case projection_phase::starting:
      return "starting";
    case projection_phase::standby:
      return "standby";
    case projection_phase::running:
      return "running";
    case projection_phase::waiting:
      return "waiting";
    case projection_phase::paused:
      return "paused";
    case projection_phase::failed:
      return "failed";
    case projection_phase::stopped:
      return "stopped";
  }
  return "unknown";
}

result<void> forget_projection(const store& source, const store& target,
                               const projection_version& which) {
  {
    auto lent = target.sessions().borrow({.borrower = "a projection"});
    if (!lent) return fail(std::move(lent.error()));
    auto* storage = (*lent)->projections();
    if (storage == nullptr) {
      return fail(errc::invalid_argument, target.name() + " cannot keep offsets of projections");
    }
    if (auto done = storage->forget(which); !done) return done;
  }
  return source.forget_reader(detail::reader_of(which));
}

}}  // namespace nexus::v0
