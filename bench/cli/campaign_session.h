// What `bench` and `try` have in common once a plan is made: a folder for it or the folder it was
// begun in, checks against the machine, the runs, the conclusion.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/program/program_runner.h"
#include "bench/run/campaign.h"
#include "bench/run/manifest.h"
#include "bench/run/memory_limit.h"
#include "bench/run/result_folder.h"

namespace heapwise {

/// A plan in its folder, checked against the machine and ready to run.
struct PreparedCampaign {
  ResultFolder folder;
  Manifest manifest;
  Candidates candidates;
  std::unique_ptr<MemoryLimit> memory_limit;  // nullptr: none
  // Where trials came first: what they have taken of the time budget, and what they say a block of
  // each group costs.
  Nanoseconds spent;
  std::vector<Nanoseconds> block_costs;
};

/// Throws UsageError for a plan that the machine cannot carry out, RunError for a folder that
/// cannot be written or a memory limit that cannot be set here.
PreparedCampaign prepare_new(Manifest manifest, const std::string& out, const Parts& parts);

/// `kind` is the subcommand that asks. Throws UsageError when another one began the campaign.
PreparedCampaign prepare_resumed(const std::string& path, const std::string& kind,
                                 const Parts& parts);

struct SessionOptions {
  CampaignOptions campaign;
  ProgramOptions program;  // without its output folder
  bool as_json = false;
};

/// Runs what is left of the campaign.
CampaignResult run_campaign(PreparedCampaign& prepared, SessionOptions options, const Parts& parts,
                            Interrupt& interrupt);

/// How to continue it, for the one who typed it.
std::string go_on_words(const PreparedCampaign& prepared);

/// Runs what is left of the campaign and prints the result; returns the exit code.
int run_session(PreparedCampaign prepared, SessionOptions options, const Parts& parts,
                Interrupt& interrupt);

/// `results/TIME-KIND-NAME` unless `out` names a folder.
std::string result_folder_of(const std::string& out, const std::string& kind,
                             const std::string& name);

}  // namespace heapwise
