// The baseline of `ask`: bare CAF requests with a timeout from one actor to another, no persistence.
#include <benchmark/benchmark.h>

#include <caf/all.hpp>
#include <chrono>
#include <cstdint>
#include <future>

namespace {

caf::behavior total(caf::event_based_actor* /*self*/) {
  return {[sum = std::int64_t{0}](std::int64_t n) mutable { return sum += n; }};
}

void ask_once(caf::event_based_actor* self, const caf::actor& to,
              const std::shared_ptr<std::int64_t>& left, std::promise<void>* done) {
  constexpr std::chrono::seconds patience{5};
  auto answered = [=](std::int64_t) {
    if (--*left == 0) return done->set_value();
    if (*left > 0) ask_once(self, to, left, done);
  };
#ifdef CAF_VERSION_MAJOR  // 1.x
  self->mail(std::int64_t{1}).request(to, patience).then(answered);
#else
  self->request(to, patience, std::int64_t{1}).then(answered);
#endif
}

// The argument is the number of requests in flight; each answer sends the next request.
void request_caf(benchmark::State& state) {
  constexpr std::int64_t round = 20'000;
  caf::actor_system_config config;
#ifdef CAF_VERSION_MAJOR  // 1.x
  caf::core::init_global_meta_objects();
#endif
  caf::actor_system sys{config};
  auto server = sys.spawn(total);
  for (auto _ : state) {
    std::promise<void> done;
    sys.spawn([&, flight = state.range(0)](caf::event_based_actor* self) {
      auto left = std::make_shared<std::int64_t>(round);
      for (std::int64_t i = 0; i < flight; ++i) ask_once(self, server, left, &done);
    });
    done.get_future().wait();
  }
  caf::anon_send_exit(server, caf::exit_reason::user_shutdown);
  state.SetItemsProcessed(state.iterations() * round);
}
BENCHMARK(request_caf)->Arg(1)->Arg(64)->Arg(1'000)->UseRealTime();

}  // namespace
