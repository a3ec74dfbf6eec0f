// The calls of a mapper that write: for one entity, or for several in one transaction.
#include "write_run.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

// One entity needs a transaction only if more than one statement belongs to its write, or what is
// set on it afterwards may not fit. `stays` gets
// the run of an entity that was written.
template <class F, class G>
store_item one(row_mapper& in, const write_choices& how, F&& f, G&& stays) {
  lazy_transaction whole{in.on()};
  (void)in.of().finish();
  const bool may_fail_late = !in.of().of_database.empty() || in.of().has_narrow_fields();
  write_run run{in, may_fail_late ? &whole : nullptr, how};
  store_item item = f(run);
  if (item) {
    if (auto done = whole.commit(); !done) {
      item.what = stored_as::failed;
      item.why = std::move(done.error());
    }
  }
  if (!item) {
    run.put_back();
  } else {
    stays(run);
  }
  return item;
}

template <class F>
store_item one(row_mapper& in, const write_choices& how, F&& f) {
  return one(in, how, std::forward<F>(f), [](write_run&) {});
}

template <class F>
store_report all(row_mapper& in, std::span<void* const> entities, const write_choices& how, F&& f) {
  store_report report;
  report.items.resize(entities.size());
  lazy_transaction whole{in.on()};
  write_run run{in, &whole, how};
  for (std::size_t i = 0; i < entities.size() && !report.why; ++i) {
    report.items[i] = f(run, entities[i]);
    if (!report.items[i]) report.why = report.items[i].why;
  }
  if (!report.why) {
    if (auto done = whole.commit(); !done) report.why = std::move(done.error());
  }
  if (!report.why) return report;
  run.put_back();
  for (auto& item : report.items) {
    const bool wrote =
        item && item.what != stored_as::cancelled && item.what != stored_as::unchanged;
    if (wrote) item.what = stored_as::undone;
  }
  return report;
}

}  // namespace

store_item row_mapper::store(void* entity, const write_choices& how) {
  return one(*this, how, [&](write_run& run) { return run.store(entity); });
}

store_item row_mapper::store_shared(const std::shared_ptr<void>& entity) {
  const auto follow_rollback = [&](write_run& run) {
    if (!on_.in_transaction()) return;
    on_.undoes().add([of = of_, weak = std::weak_ptr{entity}, set = run.take_set()] {
      if (const auto still = weak.lock()) put_back(*of, set);
    });
  };
  return one(
      *this, {},
      [&](write_run& run) {
        run.record();
        return run.store(entity.get());
      },
      follow_rollback);
}

store_report row_mapper::store(std::span<void* const> entities, const write_choices& how) {
  return all(*this, entities, how, [](write_run& run, void* each) { return run.store(each); });
}

store_item row_mapper::remove(void* entity, removal how) {
  return one(*this, {}, [&](write_run& run) { return run.remove(entity, how); });
}

store_report row_mapper::remove(std::span<void* const> entities, removal how) {
  return all(*this, entities, {},
             [&](write_run& run, void* each) { return run.remove(each, how); });
}

store_item row_mapper::restore(void* entity) {
  return one(*this, {}, [&](write_run& run) { return run.restore(entity); });
}

store_report row_mapper::restore(std::span<void* const> entities) {
  return all(*this, entities, {}, [](write_run& run, void* each) { return run.restore(each); });
}

}}}  // namespace nexus::v0::detail
