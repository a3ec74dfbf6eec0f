// The cost of single steps: the pool, codec, decide + encode + apply, ULIDs, counting, and a
// question to an entity on a journal in memory.
#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <msgpack.hpp>
#include <mutex>
#include <nexus/pool.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "counter.hpp"

namespace {

using bench::counter;

struct pooled final : nexus::poolable {};

void encode_msgpack(benchmark::State& state) {
  const counter::added event{12'345};
  msgpack::sbuffer out;
  for (auto _ : state) {
    out.clear();
    msgpack::pack(out, event);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_msgpack);

void encode_nexus(benchmark::State& state) {
  const counter::added event{12'345};
  std::string out;
  for (auto _ : state) {
    out.clear();
    nexus::encode(event, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_nexus);

void decode_msgpack(benchmark::State& state) {
  const auto bytes = nexus::encode(counter::added{12'345});
  for (auto _ : state) {
    counter::added event;
    msgpack::unpack(bytes.data(), bytes.size()).get().convert(event);
    benchmark::DoNotOptimize(event);
  }
}
BENCHMARK(decode_msgpack);

void decode_nexus(benchmark::State& state) {
  const auto bytes = nexus::encode(counter::added{12'345});
  for (auto _ : state) {
    counter::added event;
    benchmark::DoNotOptimize(nexus::decode(bytes, event));
    benchmark::DoNotOptimize(event);
  }
}
BENCHMARK(decode_nexus);

void decide_encode_apply(benchmark::State& state) {
  counter::state s;
  std::string out;
  for (auto _ : state) {
    auto effect = nexus::decide<counter>(s, counter::add{1});
    for (const auto& event : effect.events()) {
      out.clear();
      std::visit(
          [&](const auto& e) {
            nexus::encode(e, out);
            counter::apply(s, e);
          },
          event);
    }
    benchmark::DoNotOptimize(effect.reply(s));
  }
}
BENCHMARK(decide_encode_apply);

// The minimum of a pool without waiters, limits or statistics.
void pool_plain(benchmark::State& state) {
  std::mutex lock;
  std::vector<pooled*> idle;
  pooled one;
  idle.push_back(&one);
  for (auto _ : state) {
    pooled* mine = nullptr;
    {
      const std::lock_guard guard{lock};
      mine = idle.back();
      idle.pop_back();
    }
    benchmark::DoNotOptimize(mine);
    const std::lock_guard guard{lock};
    idle.push_back(mine);
  }
}
BENCHMARK(pool_plain);

void pool_borrow_and_return(benchmark::State& state) {
  const auto lending = *nexus::pool<pooled>::make(
      {.max = 4, .min_idle = 1, .reset_on_return = false},
      [] { return nexus::result<std::unique_ptr<pooled>>{std::make_unique<pooled>()}; });
  { auto opened = lending.borrow(); }
  for (auto _ : state) {
    auto mine = lending.borrow();
    benchmark::DoNotOptimize(&**mine);
  }
}
BENCHMARK(pool_borrow_and_return);

void ulid_next(benchmark::State& state) {
  static const nexus::wall_clock time;
  static nexus::ulid_generator ids{time};
  for (auto _ : state) benchmark::DoNotOptimize(ids.next());
}
BENCHMARK(ulid_next)->Threads(1)->Threads(2)->UseRealTime();

// Counting from one thread and from two at once, beside one atomic that all threads share.
void shared_atomic(benchmark::State& state) {
  static std::atomic<std::uint64_t> shared{0};
  for (auto _ : state) shared.fetch_add(1, std::memory_order_relaxed);
}
BENCHMARK(shared_atomic)->Threads(1)->Threads(2);

void counter_add(benchmark::State& state) {
  static nexus::counter counts;
  for (auto _ : state) counts.add();
}
BENCHMARK(counter_add)->Threads(1)->Threads(2);

void histogram_observe(benchmark::State& state) {
  static nexus::histogram times{nexus::growing_bounds(20e-6, 2, 20)};
  double value = 1e-5;
  for (auto _ : state) {
    times.observe(value);
    value = value > 1 ? 1e-5 : value * 1.5;
  }
}
BENCHMARK(histogram_observe)->Threads(1)->Threads(2);

void steady_now(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(std::chrono::steady_clock::now());
}
BENCHMARK(steady_now);

// Questions to one entity; the argument is the number in flight.
template <class Command>
void ask(benchmark::State& state) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<counter> counters{sys, store.value()};
  (void)counters.of("one").ask(counter::add{1}).get(std::chrono::seconds{5});
  const auto one = counters.of("one");
  std::vector<std::optional<nexus::asked<std::int64_t>>> flight(
      static_cast<std::size_t>(state.range(0)));
  std::size_t next = 0;
  for (auto _ : state) {
    auto& slot = flight[next++ % flight.size()];
    if (slot) {
      benchmark::DoNotOptimize(
          std::exchange(slot, std::nullopt)->get(std::chrono::seconds{5}).value());
    }
    slot.emplace(one.ask(Command{}));
    if (flight.size() == 1) {
      benchmark::DoNotOptimize(
          std::exchange(slot, std::nullopt)->get(std::chrono::seconds{5}).value());
    }
  }
  for (auto& slot : flight) {
    if (slot) (void)std::exchange(slot, std::nullopt)->get(std::chrono::seconds{5});
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ask<counter::total>)->Name("ask_read")->Arg(1)->Arg(64)->Arg(1'000)->UseRealTime();
BENCHMARK(ask<counter::add>)->Name("ask_persist")->Arg(1)->Arg(64)->Arg(1'000)->UseRealTime();

}  // namespace
