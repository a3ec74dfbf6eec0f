// A backend that loses answers to commits of the program's transactions, or of what a projection's
// handler writes together with its offset. Half of these were committed.
#pragma once

#include <atomic>
#include <memory>
#include <nexus/projection_storage.hpp>
#include <optional>
#include <random>
#include <utility>

#include "contract/forwarding_journal.hpp"

namespace nexus::test {

struct commit_losses {
  std::atomic<unsigned> in_100{0};  ///< of the commits
  std::atomic<unsigned> lost{0};
  std::atomic<unsigned> seed{1};  ///< of the next session
};

class lossy_offsets final : public projection_storage {
 public:
  lossy_offsets(projection_storage& inner, commit_losses& losses, unsigned seed)
      : inner_{inner}, losses_{losses}, random_{seed} {}

  result<std::string> declare(const projection_version& of, std::string_view reads) override {
    return inner_.declare(of, reads);
  }
  result<void> add(const projection_version& of, std::span<const projection_cell> cells) override {
    return inner_.add(of, cells);
  }
  result<std::vector<projection_cell>> cells(const projection_version& of) override {
    return inner_.cells(of);
  }
  result<std::uint64_t> advance(const projection_version& of, std::string_view owner,
                                const projection_move& move) override {
    return inner_.advance(of, owner, move);
  }
  result<std::vector<std::uint64_t>> advance_all(const projection_version& of,
                                                 std::string_view owner,
                                                 std::span<const projection_move> moves) override {
    return inner_.advance_all(of, owner, moves);
  }
  result<bool> give(const projection_version& of, const projection_cell& seen,
                    std::string_view owner) override {
    return inner_.give(of, seen, owner);
  }
  result<void> give_all(const projection_version& of, std::span<const projection_cell> seen,
                        std::string_view owner) override {
    return inner_.give_all(of, seen, owner);
  }
  result<bool> want(const projection_version& of, std::uint32_t cell, std::string_view owner,
                    std::string_view who) override {
    return inner_.want(of, cell, owner, who);
  }
  result<void> want_all(const projection_version& of, std::span<const projection_cell> seen,
                        std::string_view who) override {
    return inner_.want_all(of, seen, who);
  }
  result<void> end_others(const projection_version& of, std::uint32_t first,
                          std::uint32_t last) override {
    return inner_.end_others(of, first, last);
  }
  result<void> restart(const projection_version& of, std::span<const position> at) override {
    return inner_.restart(of, at);
  }
  result<bool> paused(const projection_version& of) override { return inner_.paused(of); }
  result<void> pause(const projection_version& of, bool paused) override {
    return inner_.pause(of, paused);
  }
  result<void> add_failure(const projection_version& of, const projection_failure& one) override {
    return inner_.add_failure(of, one);
  }
  result<bool> update_failure(const projection_version& of,
                              const projection_failure& one) override {
    return inner_.update_failure(of, one);
  }
  result<std::vector<projection_failure>> failures(const projection_version& of,
                                                   std::size_t max) override {
    return inner_.failures(of, max);
  }
  result<std::uint64_t> count_failures(const projection_version& of) override {
    return inner_.count_failures(of);
  }
  result<bool> remove_failure(const projection_version& of, const persistence_id& id,
                              sequence_nr number) override {
    return inner_.remove_failure(of, id, number);
  }
  result<void> forget(const projection_version& of) override { return inner_.forget(of); }
  result<std::vector<projection_version>> versions() override { return inner_.versions(); }
  std::size_t together_max() const noexcept override { return inner_.together_max(); }
  void hold_back() noexcept override { inner_.hold_back(); }
  bool holds_documents() const noexcept override { return inner_.holds_documents(); }
  void drop_held_back() noexcept override { inner_.drop_held_back(); }
  result<void> store_together() override {
    if (random_() % 100 >= losses_.in_100) return inner_.store_together();
    ++losses_.lost;
    if (random_() % 100 < 50) {
      if (auto done = inner_.store_together(); !done) return done;
    } else {
      inner_.drop_held_back();
    }
    return fail(errc::outcome_unknown, "the answer to the transaction was lost");
  }

 private:
  projection_storage& inner_;
  commit_losses& losses_;
  std::minstd_rand random_;
};

class lossy_session final : public forwarding_session {
 public:
  lossy_session(std::unique_ptr<journal_session> inner, std::shared_ptr<commit_losses> losses)
      : forwarding_session{std::move(inner)}, losses_{std::move(losses)}, random_{losses_->seed++} {
    auto* const own = this->inner().projections();
    if (own != nullptr && own->together_max() > 0)
      offsets_.emplace(*own, *losses_, losses_->seed++);
  }

  result<sql_rows> run_sql(std::string_view sql, sql_parameters with) override {
    return inner().run_sql(sql, with);
  }
  result<void> begin(isolation level, bool read_only) override {
    return inner().begin(level, read_only);
  }
  result<void> commit() override {
    if (draw() >= losses_->in_100) return inner().commit();
    ++losses_->lost;
    if (draw() < 50) {
      if (auto done = inner().commit(); !done) return done;
    } else {
      (void)inner().rollback();
    }
    return fail(errc::outcome_unknown, "the answer to the commit was lost");
  }
  result<void> rollback() override { return inner().rollback(); }
  result<isolation> level() override { return inner().level(); }
  projection_storage* projections() noexcept override {
    return offsets_ ? &*offsets_ : inner().projections();
  }
  bool has_sql() const noexcept override { return const_inner().has_sql(); }
  std::string_view dialect() const noexcept override { return const_inner().dialect(); }
  bool unfinished() const noexcept override { return const_inner().unfinished(); }
  bool touched() const noexcept override { return const_inner().touched(); }
  result<void> reset(const std::string& query) override { return inner().reset(query); }
  result<void> validate(const std::string& query) override { return inner().validate(query); }

 private:
  const journal_session& const_inner() const { return const_cast<lossy_session*>(this)->inner(); }
  unsigned draw() { return static_cast<unsigned>(random_() % 100); }

  const std::shared_ptr<commit_losses> losses_;
  std::minstd_rand random_;
  std::optional<lossy_offsets> offsets_;
};

/// `inner` with these losses.
inline backend lossy(backend inner, std::shared_ptr<commit_losses> losses) {
  inner.open = [open = inner.open,
                losses = std::move(losses)](const uri& where) -> result<std::shared_ptr<journal>> {
    auto opened = open(where);
    if (!opened) return opened;
    return std::make_shared<forwarding_journal>(
        std::move(*opened), [losses](std::unique_ptr<journal_session> s) {
          return std::make_unique<lossy_session>(std::move(s), losses);
        });
  };
  return inner;
}

}  // namespace nexus::test
