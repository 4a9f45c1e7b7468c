// Carries out the runs of `try` and of the apps of `bench`: a program, or a server under load,
// under each allocator, the witness preloaded.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/program/program_description.h"
#include "bench/program/program_run.h"
#include "bench/program/run_place.h"
#include "bench/run/candidate.h"
#include "bench/run/interrupt.h"
#include "bench/run/parts.h"
#include "bench/run/runner.h"

namespace heapwise {

/// The pass that estimates malloc's share of the memory; its runs are not timed.
inline constexpr const char* kMallocSharePass = "malloc_share";

struct ProgramOptions {
  std::string output_folder;      // where standard output and error of the runs go
  std::vector<std::string> kept;  // malloc variables of the user's that reach the program
  Nanoseconds ready_timeout{30'000'000'000};
  Nanoseconds stop_timeout{10'000'000'000};
  Bytes most_output;
  Bytes least_available;
};

class ProgramRunner : public Runner {
 public:
  /// `parts`, `candidates` and `interrupt` must outlive the runner.
  ProgramRunner(std::vector<ProgramDescription> programs, ProgramOptions options,
                const Parts& parts, const Candidates& candidates, Interrupt& interrupt);

  RunResult run(const RunRequest& request) override;

 private:
  /// A program with what its setup left behind.
  struct Installed {
    ProgramDescription description;
    ScratchFolder setup_folder;
    bool is_set_up = false;
    std::string setup_failure;  // not empty: every run of it fails so
  };
  /// Folders of one run: what the user's commands see, and what its processes report into.
  struct RunFolders {
    std::string run;
    std::string reports;
  };
  RunContext make_context(const RunRequest& request, const Candidate& candidate,
                          const Installed& program, const RunFolders& folders) const;
  RunFiles files_of(const RunRequest& request, const std::string& reports) const;
  void set_up(Installed& program, const RunContext& context);
  void carry_out(const RunContext& context, const Candidate& candidate, RunResult& result);
  void dispose_files(const RunRequest& request, const RunFiles& files, Status status) const;

  std::map<std::string, Installed> programs_;  // by title
  ProgramOptions options_;
  const Parts& parts_;
  const Candidates& candidates_;
  Interrupt& interrupt_;
};

}  // namespace heapwise
