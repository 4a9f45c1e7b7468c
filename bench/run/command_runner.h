// Carries out the runs of `try`: the user's command under each allocator, the witness preloaded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/run/candidate.h"
#include "bench/run/child.h"
#include "bench/run/digest.h"
#include "bench/run/interrupt.h"
#include "bench/run/parts.h"
#include "bench/run/runner.h"

namespace heapwise {

struct CommandOptions {
  std::vector<std::string> command;  // the program's path first
  int expected_exit_code = 0;
  std::string check_file;         // empty, or a file every run must write alike
  std::string output_folder;      // where standard output and error of the runs go
  std::vector<std::string> kept;  // malloc variables of the user's that reach the command
};

class CommandRunner : public Runner {
 public:
  /// `parts`, `candidates` and `interrupt` must outlive the runner.
  CommandRunner(CommandOptions options, const Parts& parts, const Candidates& candidates,
                Interrupt& interrupt);

  RunResult run(const RunRequest& request) override;

 private:
  struct Files {
    std::string output;
    std::string errors;
    std::string witness;
  };
  Files files_of(const RunRequest& request) const;
  ChildRequest child_request(const RunRequest& request, const Candidate& candidate,
                             const Files& files) const;
  /// Turns an ok result into what the witness proves.
  void judge_identity(const Candidate& candidate, const ChildEnd& end, const Files& files,
                      RunResult& result);
  void judge_check_file(RunResult& result);

  CommandOptions options_;
  const Parts& parts_;
  const Candidates& candidates_;
  Interrupt& interrupt_;
  std::optional<FileDigest> reference_;  // of the check file, by the first run that was ok
};

}  // namespace heapwise
