// What the witness wrote from inside the processes of a command, and whether it proves that the
// allocator asked for answered there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/run/json.h"

namespace heapwise {

struct WitnessLine {
  std::int64_t pid = 0;
  std::string library_path;
  std::string build_id;
  bool answers_in_executable = false;
  std::string executable;
  Json json;
};

/// The lines of a witness file in the order of their processes' starts; none when there is no file.
std::vector<WitnessLine> read_witness_lines(const std::string& path);

/// The allocator that was asked for.
struct ExpectedLibrary {
  std::string path;  // empty: whatever the program brings
  std::string build_id;
};

/// Who was seen running, by looks from outside.
struct SeenProcesses {
  std::int64_t command = 0;  // the process that was started
  std::int64_t largest = 0;  // the one with the most resident memory; 0: none was seen
  std::string largest_executable;
  std::vector<std::string> executables;  // all that were seen
};

struct WitnessVerdict {
  /// The process whose allocator matters, as it bore witness: the largest one that was seen, or
  /// else the last image of the command's own. Nothing: no proof.
  std::optional<WitnessLine> decisive;
  std::string unproven;              // without proof: the executable that gave none, where known
  std::string contradiction;         // not empty: another allocator answered there
  std::vector<std::string> remarks;  // of other processes: another allocator, or no proof
};

WitnessVerdict judge_witness(const std::vector<WitnessLine>& lines, const SeenProcesses& seen,
                             const ExpectedLibrary& expected);

}  // namespace heapwise
