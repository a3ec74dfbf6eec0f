// What differs between the databases of the statements that all SQL backends share.
//
// Threads: a value.
#pragma once

#include <string_view>

namespace nexus { inline namespace v0 { namespace detail {

/// Pieces of SQL. Locks are empty where a transaction that writes excludes all others.
struct sql_dialect {
  std::string_view now;            ///< the time as the tables store it
  std::string_view microseconds;   ///< of a column `timestamp`, since 1970
  std::string_view share_of_mark;  ///< locks the row r against deletion, not against other shares
  std::string_view for_update;     ///< locks the selected rows
  std::string_view if_free;        ///< the same, and leaves out those that are locked already
  /// Ends the transactions that hold rows of cells $3 to $4 of projection $1, version $2; empty: a
  /// transaction ends with its process.
  std::string_view end_holders;
};

}}}
