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

struct WitnessVerdict {
  bool seen = false;               // the command's own process bore witness
  std::optional<WitnessLine> own;  // its last image: a command may exec another program
  std::string contradiction;       // not empty: another allocator answered there
  std::string remark;              // child processes on another allocator
};

WitnessVerdict judge_witness(const std::vector<WitnessLine>& lines, std::int64_t command_pid,
                             const ExpectedLibrary& expected);

}  // namespace heapwise
