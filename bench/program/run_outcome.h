// What a run did and left behind, to be held against the baseline's: outputs, files, state, and
// what is to be remarked on.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/program/program_run.h"
#include "bench/program/witness.h"
#include "bench/run/run_record.h"

namespace heapwise {

/// When each check file last changed, in Unix nanoseconds; 0 where there is none. The change of its
/// inode, which no program can set back as it can the time of its last writing.
std::vector<std::uint64_t> check_file_stamps(const RunContext& context);

/// Fills the outcome. A filter that fails makes an ok result client_failed.
void record_outcome(const RunContext& context, const ProgramRun& run,
                    const std::vector<WitnessLine>& lines, RunResult& result);

/// Adds the check files. One that has not changed since `stamps_before` makes an ok result
/// integrity_failed.
void record_files(const RunContext& context, const std::vector<std::uint64_t>& stamps_before,
                  RunResult& result);

}  // namespace heapwise
