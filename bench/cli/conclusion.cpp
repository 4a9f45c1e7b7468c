#include "bench/cli/conclusion.h"

#include <fmt/format.h>

#include "bench/cli/command_line.h"
#include "bench/cli/summarizer.h"
#include "bench/cli/terminal.h"

namespace heapwise {

int conclude(const Conclusion& conclusion, const Parts& parts, Interrupt& interrupt) {
  const auto& result = conclusion.result;
  if (result.end == CampaignEnd::kInterrupted) {
    print_note(fmt::format("Interrupted; what was measured is in {}. {}", conclusion.folder,
                           conclusion.go_on));
    return kExitInterrupted;
  }
  if (result.end == CampaignEnd::kOutOfTime) {
    print_note(fmt::format("The time budget ended with {} blocks left out. {}",
                           result.blocks_left_out, conclusion.go_on));
  }
  const auto summary = summarize(parts, conclusion.folder, conclusion.as_json, interrupt);
  if (interrupt.requested()) return kExitInterrupted;
  if (result.failed_runs > 0) {
    print_note(
        fmt::format("{} runs failed; they are in the records with their status and have no "
                    "figures.",
                    result.failed_runs));
  }
  if (summary && summary->unequal_runs_count > 0) {
    print_note(fmt::format(
        "{} runs ended well but did other work than the baseline, or lack a metric; see "
        "the findings above.",
        summary->unequal_runs_count));
  }
  print_note("Results: " + conclusion.folder);
  if (!summary) return kExitError;
  return result.failed_runs > 0 || summary->unequal_runs_count > 0 ? kExitSomeFailed : kExitOk;
}

}  // namespace heapwise
