// A backend that loses answers to commits of the program's transactions. Half of these transactions
// were committed.
#pragma once

#include <atomic>
#include <memory>
#include <random>
#include <utility>

#include "contract/forwarding_journal.hpp"

namespace nexus::test {

struct commit_losses {
  std::atomic<unsigned> in_100{0};  ///< of the commits
  std::atomic<unsigned> lost{0};
  std::atomic<unsigned> seed{1};  ///< of the next session
};

class lossy_session final : public forwarding_session {
 public:
  lossy_session(std::unique_ptr<journal_session> inner, std::shared_ptr<commit_losses> losses)
      : forwarding_session{std::move(inner)},
        losses_{std::move(losses)},
        random_{losses_->seed++} {}

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
