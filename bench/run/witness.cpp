#include "bench/run/witness.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace heapwise {
namespace {

std::string canonical(const std::string& path) {
  std::error_code error;
  const auto out = std::filesystem::canonical(path, error);
  return error ? path : out.string();
}

bool is_expected(const WitnessLine& line, const ExpectedLibrary& expected) {
  if (expected.path.empty()) return true;
  if (line.answers_in_executable) return false;
  if (!expected.build_id.empty() && line.build_id == expected.build_id) return true;
  return canonical(line.library_path) == canonical(expected.path);
}

std::string describe(const WitnessLine& line) {
  return line.answers_in_executable ? "the program's own malloc in " + line.executable
                                    : line.library_path;
}

}  // namespace

std::vector<WitnessLine> read_witness_lines(const std::string& path) {
  std::vector<WitnessLine> lines;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    const auto json = Json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("pid")) continue;
    lines.push_back({.pid = json.value("pid", std::int64_t{0}),
                     .library_path = json.value("library_path", ""),
                     .build_id = json.value("build_id", ""),
                     .answers_in_executable = json.value("answers", "") == "executable",
                     .executable = json.value("executable", ""),
                     .json = json});
  }
  return lines;
}

WitnessVerdict judge_witness(const std::vector<WitnessLine>& lines, std::int64_t command_pid,
                             const ExpectedLibrary& expected) {
  WitnessVerdict verdict;
  std::size_t others = 0;
  std::size_t strangers = 0;
  for (const auto& line : lines) {
    const bool right = is_expected(line, expected);
    if (line.pid != command_pid) {
      ++others;
      strangers += right ? 0 : 1;
      continue;
    }
    verdict.seen = true;
    verdict.own = line;
    if (right) {
      verdict.contradiction.clear();
    } else {
      verdict.contradiction =
          fmt::format("asked for {}, but {} answers malloc", expected.path, describe(line));
    }
  }
  if (strangers > 0) {
    verdict.remark =
        fmt::format("{} of {} child processes ran on another allocator", strangers, others);
  }
  return verdict;
}

}  // namespace heapwise
