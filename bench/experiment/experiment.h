// An experiment: a short program of its own that does one thing with malloc or the kernel and tells
// what it saw. It judges nothing; bench/claims does, and may run one with different arguments.
#pragma once

#include "bench/experiment/report.h"

namespace heapwise {

/// What stands behind the experiment's name on the command line, as numbers or words.
class Arguments {
 public:
  Arguments(int count, char** words) : count_(count), words_(words) {}

  /// The one at `position`, or `otherwise` where there are fewer.
  const char* word(int position, const char* otherwise) const {
    return position < count_ ? words_[position] : otherwise;
  }
  std::int64_t number(int position, std::int64_t otherwise) const;

 private:
  int count_;
  char** words_;
};

struct Experiment {
  const char* name;
  const char* does;  // one line, for --help
  void (*run)(Report& report, const Arguments& arguments);
};

/// All of them, ended by one without a name. Each file's own experiments are declared in table.cpp.
extern const Experiment kExperiments[];

}  // namespace heapwise
