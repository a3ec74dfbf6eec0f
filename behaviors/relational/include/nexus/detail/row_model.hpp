// The state of a relational entity: a struct, and the rows that it stands for.
//
// To the state machine it is a durable state, whose version is the row's. What is written says from
// which rows it leads to which, so that the writer can tell what changes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/behavior.hpp"
#include "nexus/detail/command_call.hpp"
#include "nexus/detail/entity_model.hpp"
#include "nexus/detail/model_with_alarm.hpp"
#include "nexus/detail/payload.hpp"
#include "nexus/detail/row_shape.hpp"

namespace nexus { inline namespace v0 { namespace detail {

template <class B>
class row_model final : public model_with_alarm<B> {
  using row = typename B::row;

 public:
  explicit row_model(std::string_view id) : id_{id} {}

  static std::unique_ptr<entity_model> make(std::string_view id) {
    return std::make_unique<row_model>(id);
  }

  static result<store> storage(const store& in) {
    const auto& made = shape();
    if (!made) return fail(made.error());
    return rows_beside(in, B::entity_type, *made);
  }

  [[nodiscard]] const row& state() const noexcept { return *state_; }

  /// Why no command can be decided.
  [[nodiscard]] std::optional<error> missing() {
    if (is_there_) return std::nullopt;
    const auto name = std::string{B::entity_type}.append("|").append(id_);
    if (!(*shape())->create) {
      return error{errc::not_found,
                   name + ": there is no such row in table " + (*shape())->tables.root->name};
    }
    if (auto made = begin(); !made) {
      made.error().message.insert(0, name + ": ");
      return std::move(made.error());
    }
    return std::nullopt;
  }

  void reset() override {
    this->wakes(std::nullopt);
    is_there_ = false;
    stored_.clear();
    state_.reset();
  }

  /// Without a row.
  result<void> begin() override {
    reset();
    return guarded(errc::apply_failed, "making the row", [&] {
      state_.emplace();
      if (const auto& create = (*shape())->create) {
        create(&*state_, id_);
        is_there_ = true;
      }
    });
  }

  result<void> restore(const stored_snapshot& from) override {
    if (from.type.empty()) return begin();
    reset();
    auto made = guarded(errc::corrupt, "making the row", [&] {
      state_.emplace();
      return (*shape())->fill(&*state_, id_, from.data);
    });
    if (!made) return made;
    stored_ = from.data;
    is_there_ = true;
    return {};
  }

  result<void> replay(const event_view& /*event*/) override {
    return fail(errc::corrupt, "a row has no events");
  }
  result<stored_snapshot> encode_snapshot() const override {
    return fail(errc::invalid_argument, "a row has no snapshots");
  }

  bool looks_again() const noexcept override {
    return state_ && !is_there_ && (*shape())->on_demand;
  }

  envelope recovered_call() override { return is_there_ ? make_recovered_call<B>() : envelope{}; }
  bool is_process() const noexcept override { return recovers<B>; }
  result<void> look_at_alarm() override {
    if (!stored_.empty()) return this->look_at(*state_);
    this->wakes(std::nullopt);
    return {};
  }
  result<envelope> alarm_call() override {
    return is_there_ ? this->call_of_alarm(*state_) : envelope{};
  }

  [[nodiscard]] std::optional<timestamp> due_after(const effect_body<B>& e) const {
    if (e.erases()) return std::nullopt;
    return e.new_state() == nullptr ? this->due() : due_of<B>(*state_);
  }

  /// An event whose data are the rows after. Its metadata is `row_change::before`.
  result<void> write(const effect_body<B>& e, const call_header& /*header*/, const context& c,
                     const decision_limits& limits, event_batch& out) {
    next_.clear();
    const auto* next = e.new_state();
    if (!e.erases() && next == nullptr) return {};
    row_difference what;
    if (!e.erases()) {
      auto made = (*shape())->image(next, id_, stored_, c.next_nr(), c.now(), next_);
      if (!made || (!stored_.empty() && !made->any)) next_.clear();
      if (!made) return fail(std::move(made.error()));
      if (next_.empty()) return {};
      what = *made;
    }
    if (auto fits = check_size("the row", B::entity_type, stored_.size() + next_.size(), limits);
        !fits) {
      return fits;
    }
    event_view view;
    view.time = c.now();
    const bool tells = !stored_.empty() && (*shape())->tables.tells_columns();
    view.metadata = tells ? what.columns.packed() : std::string_view{stored_};
    if (!e.erases()) {
      view.type = B::entity_type;
      view.codec = "row";
      view.data = next_;
    }
    out.add(view);
    return {};
  }

  bool apply(const effect_body<B>& e, sequence_nr version) {
    if (e.erases()) {
      stored_.clear();
      is_there_ = false;  // the row stays for the reply
    } else if (const auto* next = e.new_state()) {
      *state_ = *next;
      if (next_.empty()) return false;
      throw_if((*shape())->set_kept(&*state_, next_, version));
      stored_.swap(next_);  // and the memory of the one before is used again
      next_.clear();
    }
    return false;
  }

 private:
  static const result<std::shared_ptr<row_shape>>& shape() {
    static const result<std::shared_ptr<row_shape>> made = [] {
      result<std::shared_ptr<row_shape>> found = fail(errc::invalid_argument, {});
      auto done = guarded(errc::invalid_argument, std::string{"rows() of "}.append(B::entity_type),
                          [&] { found = B::rows().shape(); });
      if (!done) found = fail(std::move(done.error()));
      return found;
    }();
    return made;
  }

  static void throw_if(const result<void>& wrong) {
    if (!wrong) throw std::runtime_error{wrong.error().message};
  }

  const std::string id_;
  std::optional<row> state_;  // none: neither begun nor restored
  std::string stored_;        // its rows, packed; empty: nothing was stored yet, or no longer
  std::string next_;          // those of the effect that was written and not applied yet
  bool is_there_ = false;     // commands can be decided
};

template <has_row B>
struct model_of<B> {
  using type = row_model<B>;
};

}}}  // namespace nexus::v0::detail
