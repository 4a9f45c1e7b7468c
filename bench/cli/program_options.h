// The options of `try` that describe a program, and what bounds its runs.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "bench/cli/command_line.h"
#include "bench/program/program_runner.h"

namespace heapwise {

/// As typed.
struct ProgramWords {
  std::string name;
  std::string serve;
  std::string drive;
  std::string ready;
  std::string stop;
  std::string setup;
  std::string prepare;
  std::string digest;
  std::string filter;
  std::string input;
  std::string timing;
  std::vector<std::string> check_files;
  std::vector<std::string> metrics;
  int expected_exit_code = 0;
};

struct LimitWords {
  std::string ready_timeout = "30s";
  std::string stop_timeout = "10s";
  std::string output_limit = "256M";
  std::string memory_floor;
};

/// Adds the options; returns those that make no sense together with --resume.
std::vector<CLI::Option*> add_program_options(CLI::App& command, ProgramWords& words);
void add_limit_options(CLI::App& command, LimitWords& words);

/// The program that was typed. Throws UsageError where nothing can be run.
ProgramDescription describe_program(const ProgramWords& words, const CommandLine& line);

/// Throws UsageError for a value that cannot be read.
ProgramOptions program_limits(const LimitWords& words);

/// A short name for the result folder.
std::string folder_name(const ProgramDescription& program);

}  // namespace heapwise
