// What is made of a run of a program: its status, its figures, and what is remarked on besides.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/program/program_run.h"
#include "bench/program/witness.h"
#include "bench/run/run_record.h"

namespace heapwise {

/// What the judge has to hold the run against.
struct Expectation {
  ExpectedLibrary library;
  std::vector<std::uint64_t> stamps_before;  // of the check files
  bool out_of_memory = false;                // the kernel's killer has struck meanwhile
};

/// Fills status, detail, identity, metrics, timeline and outcome. A difference of outputs is not
/// judged here: the Python package holds them against the baseline's.
void judge_run(const RunContext& context, const ProgramRun& run, const Expectation& expectation,
               RunResult& result);

}  // namespace heapwise
