// The subcommands that only read result folders: their words go to the Python package as they are.
#include <algorithm>

#include "bench/cli/command_line.h"
#include "bench/cli/python.h"

namespace heapwise {
namespace {

int hand_over(const std::string& name, const CommandLine& line) {
  const auto named = std::ranges::find(line.options, name);
  const auto parts = find_parts();
  Interrupt interrupt;
  return run_python(parts, {named, line.options.end()}, interrupt);
}

Subcommand add_python(CLI::App& app, const std::string& name, const std::string& about) {
  auto* command = app.add_subcommand(name, about);
  command->allow_extras();
  command->set_help_flag();  // Python's own help says more
  return {command, [name](const CommandLine& line) { return hand_over(name, line); }};
}

}  // namespace

Subcommand add_verify(CLI::App& app) {
  return add_python(app, "verify", "what is known to be true, checked on a result folder");
}

Subcommand add_export(CLI::App& app) {
  return add_python(app, "export", "a result folder as another tool's file");
}

}  // namespace heapwise
