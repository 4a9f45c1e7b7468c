// From a program to the groups of a plan: the runs that are compared, and the one that estimates
// malloc's share of its memory.
#pragma once

#include <string>
#include <vector>

#include "bench/core/spec.h"
#include "bench/program/program_description.h"
#include "bench/run/cell.h"

namespace heapwise {

struct ProgramPlan {
  std::string workload;          // `command`, or an app's
  std::vector<Spec> allocators;  // the program's own come in addition
  unsigned blocks = 0;
};

std::vector<Group> make_program_groups(const ProgramDescription& program, const ProgramPlan& plan);

}  // namespace heapwise
