// The conditions of a filter in a form that a SQL backend turns into text: one table in the backend
// says how each kind reads in its SQL.
//
// For authors of SQL backends. Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "nexus/event_query.hpp"

namespace nexus { inline namespace v0 {

struct query_condition {
  enum class kind : std::uint8_t {
    event_type,  ///< text
    id,          ///< text: the whole `type|id`
    id_from,     ///< text: ids not before it
    id_to,       ///< text: ids before it
    instance,    ///< text: the part behind `type|`
    tag,         ///< text
    later_than,  ///< time
    before,      ///< time
    slice_from,  ///< number, included
    slice_to,    ///< number, included
    after,       ///< position, excluded
    up_to        ///< position, included
  };
  static constexpr std::size_t kinds = static_cast<std::size_t>(kind::up_to) + 1;

  kind what;
  std::variant<std::string, std::int64_t, timestamp, position> value;
};

/// What a page of a journal with one strand reads.
struct query_plan {
  std::vector<query_condition> conditions{};  ///< all must hold
  bool of_one_id = false;  ///< then the order of positions is that of sequence_nr
  bool by_tag = false;
  bool newest_first = false;
  bool nothing = false;   ///< no event can match: the cursor stands at the end
  std::int64_t rows = 0;  ///< one more than the page's limit, to know whether there are more
  std::int64_t offset = 0;
};

/// The plan of a page, or why there is none; `journal` and `epoch` are for `foreign`.
[[nodiscard]] result<query_plan> plan_of(const event_filter& filter, const event_page& page,
                                         std::uint64_t epoch, std::string_view journal);

/// Passes the rows of a plan, read one after the other, to a sink, and finds out what the page was.
class query_pager {
 public:
  query_pager(const event_filter& filter, const event_page& page);

  /// Takes the next row; false: no more rows are wanted.
  bool take(const persistence_id& of, const record_view& r, const journal_sink& sink);

  [[nodiscard]] page_info info() const;

 private:
  const event_page& page_;
  page_info info_;
  position next_;  // the last event passed; newest first the next one to pass
  bool ended_ = false;
};

}}  // namespace nexus::v0
