#include "bench/cli/summarizer.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "bench/cli/command_line.h"
#include "bench/cli/python.h"
#include "bench/cli/terminal.h"
#include "bench/run/json.h"

namespace heapwise {
namespace {

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
  if (!python) return later("python3");
  print_note("summarising with " + *python);
  const auto end = call_python(parts, *python, {"summarize", folder}, !as_json, interrupt);
  if (exit_code_of(end) != kExitOk) {
    print_note(end.errors + "The summary failed.");
    return later(*python);
  }
  const auto file = folder + "/summary.json";
  if (as_json) print_file(file);
  std::ifstream stream(file);
  const auto summary = Json::parse(stream, nullptr, false);
  if (!summary.is_object()) return later(*python);
  return SummaryEnd{.unequal_runs_count = summary.value("unequal_runs_count", std::uint64_t{0})};
}

}  // namespace heapwise
