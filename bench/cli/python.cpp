#include "bench/cli/python.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "bench/cli/command_line.h"
#include "bench/cli/terminal.h"

namespace heapwise {
namespace {

constexpr Nanoseconds kChooseTimeout{60'000'000'000};

std::vector<std::string> environment_with(const std::string& scripts) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::string_view(*entry).rfind("PYTHONPATH=", 0) != 0) entries.emplace_back(*entry);
  }
  const char* earlier = std::getenv("PYTHONPATH");
  entries.push_back("PYTHONPATH=" + scripts +
                    (earlier != nullptr ? ":" + std::string(earlier) : ""));
  return entries;
}

std::string trimmed(std::string text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  text.resize(end == std::string::npos ? 0 : end + 1);
  return text;
}

}  // namespace

int exit_code_of(const ChildEnd& end) {
  if (end.stopped == Stop::kInterrupted) return kExitInterrupted;
  const bool exited =
      end.report && end.report->exec_errno == 0 && WIFEXITED(end.report->wait_status);
  return exited ? WEXITSTATUS(end.report->wait_status) : kExitError;
}

std::optional<std::string> choose_python(const Parts& parts, Interrupt& interrupt) {
  Child child({.launcher = parts.launcher,
               .launch_options = {},
               .command = {"/bin/sh", parts.scripts + "/choose-python"},
               .environment = environment_with(parts.scripts)});
  const auto end = child.finish(deadline_after(kChooseTimeout), interrupt);
  const auto python = trimmed(end.output);
  if (exit_code_of(end) == kExitOk && !python.empty()) return python;
  print_note(trimmed(end.errors));
  return std::nullopt;
}

ChildEnd call_python(const Parts& parts, const std::string& python,
                     const std::vector<std::string>& words, bool shares_terminal,
                     Interrupt& interrupt) {
  std::vector<std::string> command{python, "-m", "heapwise"};
  command.insert(command.end(), words.begin(), words.end());
  Child child({.launcher = parts.launcher,
               .launch_options = {},
               .command = std::move(command),
               .environment = environment_with(parts.scripts),
               .shares_terminal = shares_terminal});
  return child.finish(std::nullopt, interrupt);
}

int run_python(const Parts& parts, const std::vector<std::string>& words, Interrupt& interrupt) {
  const auto python = choose_python(parts, interrupt);
  if (!python) return kExitError;
  return exit_code_of(call_python(parts, *python, words, true, interrupt));
}

}  // namespace heapwise
