// The work on the cells that a process owns: one thread reads and decodes, workers handle.
//
// Threads: made and ended by one; the other members from any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "nexus/detail/journal_reader.hpp"
#include "worker.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class projection_pipeline {
 public:
  /// `cells` in ascending order, not empty; `strands` of the source. `by_strand`: batches are
  /// handled strand by strand (batch_by_strand.hpp).
  projection_pipeline(const projection_setup& of, projection_counts& counts,
                      std::vector<projection_cell> cells, std::uint32_t strands, bool by_strand,
                      projection_worker::reports to);
  ~projection_pipeline();
  projection_pipeline(const projection_pipeline&) = delete;
  projection_pipeline& operator=(const projection_pipeline&) = delete;

  /// Ends it; waits for transactions under way. By the thread that made it.
  void end();

  [[nodiscard]] bool works_on(const std::vector<projection_cell>& cells) const;
  /// The cells as committed.
  [[nodiscard]] std::vector<projection_cell> committed() const;
  [[nodiscard]] std::optional<timestamp> oldest() const;
  void want_flush(bool wanted);

  /// Whether the reading thread has passed everything that was stored when it last looked.
  [[nodiscard]] bool is_live() const noexcept { return live_; }
  /// How far it has read, and what `projection_counts::read` was there.
  struct reading {
    std::vector<position> at{};
    std::uint64_t count = 0;
  };
  [[nodiscard]] reading read_to() const;

 private:
  struct group {
    std::unique_ptr<projection_worker> worker;
    cell_group wanted;  // as at the beginning: which events are still to be handled
    std::unique_ptr<projected_batch> batch;
    std::thread thread;
  };

  [[nodiscard]] journal_selection selection() const;
  [[nodiscard]] std::size_t records_at_once() const;
  [[nodiscard]] std::unique_ptr<projected_batch> make_batch() const;
  result<std::unique_ptr<journal_reader>> open();
  void read();
  bool read_on(journal_reader& from);
  bool hand_out(journal_reader& from);
  bool put(journal_reader& from);
  bool push(group& to, const std::vector<position>& up_to);
  bool push_undecoded(group& to, journal_reader& from, error why);
  bool push_all(const std::vector<position>& up_to);
  bool failed(error why);

  const projection_setup& of_;
  projection_counts& counts_;
  const std::uint32_t strands_;
  const bool by_strand_;
  const projection_worker::reports to_;
  std::vector<projection_cell> cells_;
  std::vector<group> groups_;
  std::vector<group*> group_of_;  // by cell; null: another process's
  std::atomic<bool> stopped_{false};
  std::atomic<bool> live_{false};
  bool in_trouble_ = false;

  mutable std::mutex lock_;  // guards the next two
  std::unique_ptr<journal_reader> reader_;
  reading read_to_;

  std::thread reading_;
};

}}}
