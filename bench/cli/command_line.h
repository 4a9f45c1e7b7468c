// The command line: its subcommands, and errors that say what was meant.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace heapwise {

inline constexpr int kExitOk = 0;
inline constexpr int kExitSomeFailed = 1;
inline constexpr int kExitError = 2;
inline constexpr int kExitInconclusive = 4;
inline constexpr int kExitInterrupted = 130;

/// What was typed, split at the first `--`.
struct CommandLine {
  std::vector<std::string> all;      // as typed, for the manifest
  std::vector<std::string> options;  // before `--`, without the program's name
  std::vector<std::string> command;  // after it: somebody else's words
};

CommandLine split_command_line(int argc, const char* const* argv);

/// A subcommand, ready to run once the command line has been parsed.
struct Subcommand {
  CLI::App* app = nullptr;
  std::function<int(const CommandLine&)> run;
};

/// Help without the list of what an option excludes: who names both is told.
class BriefFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override;
};

Subcommand add_bench(CLI::App& app);
Subcommand add_claims(CLI::App& app);
Subcommand add_compare(CLI::App& app);
Subcommand add_export(CLI::App& app);
Subcommand add_gate(CLI::App& app);
Subcommand add_inspect(CLI::App& app);
Subcommand add_list(CLI::App& app);
Subcommand add_try(CLI::App& app);
Subcommand add_verify(CLI::App& app);

/// Parses, and runs the subcommand that was named. Errors of usage come out as UsageError, --help
/// and --version print and return 0.
int dispatch(CLI::App& app, const std::vector<Subcommand>& subcommands, const CommandLine& line);

}  // namespace heapwise
