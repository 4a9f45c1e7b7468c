#include "bench/cli/summarizer.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "bench/cli/terminal.h"
#include "bench/run/child.h"
#include "bench/run/json.h"

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

bool succeeded(const ChildEnd& end) {
  return end.report && end.report->exec_errno == 0 && WIFEXITED(end.report->wait_status) &&
         WEXITSTATUS(end.report->wait_status) == 0;
}

std::string trimmed(std::string text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  text.resize(end == std::string::npos ? 0 : end + 1);
  return text;
}

/// The interpreter that scripts/choose-python prints, or nothing after a note why there is none.
std::string choose_python(const Parts& parts, Interrupt& interrupt) {
  Child child({.launcher = parts.launcher,
               .launch_options = {},
               .command = {"/bin/sh", parts.scripts + "/choose-python"},
               .environment = environment_with(parts.scripts)});
  const auto end = child.finish(deadline_after(kChooseTimeout), interrupt);
  const auto python = trimmed(end.output);
  if (succeeded(end) && !python.empty()) return python;
  print_note(trimmed(end.errors));
  return {};
}

void print_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

std::optional<SummaryEnd> summarize(const Parts& parts, const std::string& folder, bool as_json,
                                    Interrupt& interrupt) {
  const auto later = [&](const std::string& python) -> std::optional<SummaryEnd> {
    print_note(
        fmt::format("The measured data is kept. To summarise it later:\n"
                    "  PYTHONPATH='{}' {} -m heapwise summarize '{}'",
                    parts.scripts, python, folder));
    return std::nullopt;
  };
  const auto python = choose_python(parts, interrupt);
  if (python.empty()) return later("python3");
  print_note("summarising with " + python);
  Child child({.launcher = parts.launcher,
               .launch_options = {},
               .command = {python, "-m", "heapwise", "summarize", folder},
               .environment = environment_with(parts.scripts),
               .shares_terminal = !as_json});
  const auto end = child.finish(std::nullopt, interrupt);
  if (!succeeded(end)) {
    print_note(end.errors + "The summary failed.");
    return later(python);
  }
  const auto file = folder + "/summary.json";
  if (as_json) print_file(file);
  std::ifstream stream(file);
  const auto summary = Json::parse(stream, nullptr, false);
  if (!summary.is_object()) return later(python);
  return SummaryEnd{.unequal_runs_count = summary.value("unequal_runs_count", std::uint64_t{0})};
}

}  // namespace heapwise
