// A transfer as people write it, in a terminal or in JSON.
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
