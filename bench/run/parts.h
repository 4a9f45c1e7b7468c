// Where the suite's own programs, libraries and scripts lie: beside the executable in a build
// folder, under PREFIX when installed.
#pragma once

#include <string>

namespace heapwise {

struct Parts {
  std::string directory;  // of the programs and libraries
  std::string launcher;
  std::string worker;
  std::string experiment;  // heapwise-experiment
  std::string counter;   // libheapwise_count.so
  std::string injector;  // libheapwise_inject.so
  std::string share;     // libheapwise_share.so
  std::string witness;   // libheapwise_witness.so
  std::string apps;      // a folder for each real program
  std::string scripts;   // holds choose-python and the package heapwise
};

/// The parts of the running executable. Throws RunError naming what was looked for and where.
Parts find_parts();

/// The same for any executable's path.
Parts find_parts_of(const std::string& executable);

}  // namespace heapwise
