// The arguments of a transfer, as typed in a terminal or sent in JSON.
#pragma once

#include <string>

namespace bank {

struct transfer_arguments {
  std::string from;
  std::string to;
  std::string amount;  ///< "12.50"
  std::string currency;
};

}  // namespace bank
