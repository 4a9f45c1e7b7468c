// The figures of a run that went well.
#pragma once

#include "bench/program/program_run.h"
#include "bench/run/run_record.h"

namespace heapwise {

/// Fills metrics and timeline of a result that is ok, as docs/protocols.md has them; of the run
/// that estimates malloc's share nothing but a remark in its detail where there was nothing to
/// read.
void add_figures(const RunContext& context, const ProgramRun& run, RunResult& result);

}  // namespace heapwise
