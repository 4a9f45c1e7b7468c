// How a campaign ends for the one who typed it: the summary, what is missing, the exit code.
#pragma once

#include <string>

#include "bench/run/campaign.h"
#include "bench/run/parts.h"

namespace heapwise {

struct Conclusion {
  CampaignResult result;
  std::string folder;
  std::string go_on;  // how to continue after Ctrl-C, ends with a full stop
  bool as_json = false;
};

/// Prints and summarises; returns the exit code.
int conclude(const Conclusion& conclusion, const Parts& parts, Interrupt& interrupt);

}  // namespace heapwise
