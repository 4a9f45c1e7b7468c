#include "bench/program/witness.h"

#include <fmt/format.h>

#include <algorithm>
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

/// A process that was forked and not executed anew bears no witness of its own: that of its
/// executable counts.
std::optional<WitnessLine> find_decisive(const std::vector<WitnessLine>& lines,
                                         const SeenProcesses& seen) {
  const auto last = [&](auto matches) -> std::optional<WitnessLine> {
    const auto found = std::find_if(lines.rbegin(), lines.rend(), matches);
    return found == lines.rend() ? std::nullopt : std::optional(*found);
  };
  if (seen.largest == 0) {
    return last([&](const auto& line) { return line.pid == seen.command; });
  }
  const auto is_largest_executable = [&](const auto& line) {
    return line.executable == seen.largest_executable;
  };
  if (auto own = last([&](const auto& line) {
        return line.pid == seen.largest && is_largest_executable(line);
      })) {
    return own;
  }
  return last(is_largest_executable);
}

std::vector<std::string> remarks_on(const std::vector<WitnessLine>& lines,
                                    const SeenProcesses& seen, const ExpectedLibrary& expected) {
  std::vector<std::string> remarks;
  const auto is_other = [&](const auto& line) { return line.pid != seen.command; };
  const auto others = std::ranges::count_if(lines, is_other);
  const auto strangers = std::ranges::count_if(
      lines, [&](const auto& line) { return is_other(line) && !is_expected(line, expected); });
  if (strangers > 0) {
    remarks.push_back(
        fmt::format("{} of {} child processes ran on another allocator", strangers, others));
  }
  for (const auto& executable : seen.executables) {
    const auto bore_witness =
        std::ranges::any_of(lines, [&](const auto& line) { return line.executable == executable; });
    if (bore_witness || executable == seen.largest_executable) continue;
    remarks.push_back("no proof of the allocator in its process " + executable);
  }
  return remarks;
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

WitnessVerdict judge_witness(const std::vector<WitnessLine>& lines, const SeenProcesses& seen,
                             const ExpectedLibrary& expected) {
  WitnessVerdict verdict{.decisive = find_decisive(lines, seen),
                         .unproven = {},
                         .contradiction = {},
                         .remarks = remarks_on(lines, seen, expected)};
  if (!verdict.decisive) {
    verdict.unproven = seen.largest_executable;
  } else if (!is_expected(*verdict.decisive, expected)) {
    verdict.contradiction = fmt::format("asked for {}, but {} answers malloc", expected.path,
                                        describe(*verdict.decisive));
  }
  return verdict;
}

}  // namespace heapwise
