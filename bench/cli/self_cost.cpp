#include "bench/cli/self_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "allocators/allocator.h"
#include "bench/cli/command_line.h"
#include "bench/cli/program_cost.h"
#include "bench/run/child.h"
#include "bench/run/json.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr Nanoseconds kTimeout{120'000'000'000};
// A process keeps the physical pages it began with, and with them its luck in the caches: figures
// repeat inside one process and differ between two by more than what is measured here.
constexpr std::size_t kProcessesCount = 7;

/// The rows that a worker gives of itself on this allocator.
Json rows_on(const std::string& allocator, const Parts& parts, Interrupt& interrupt) {
  const auto resolved = resolve_allocator(parse_spec(allocator), parts.directory);
  Child child({.launcher = parts.launcher,
               .launch_options = {},
               .command = {parts.worker, "--self"},
               .environment = child_environment(resolved, {})});
  const auto end = child.finish(deadline_after(kTimeout), interrupt);
  if (interrupt.requested()) return Json::array();
  const auto json = Json::parse(end.output, nullptr, false);
  if (json.is_object() && json.contains("rows")) return json.at("rows");
  throw RunError("'" + parts.worker + " --self' on " + allocator +
                 " gave no figures: " + end.errors + "; build or install heapwise again");
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Each row's median over several processes.
Json median_rows_on(const std::string& allocator, const Parts& parts, Interrupt& interrupt) {
  std::vector<Json> processes;
  while (processes.size() < kProcessesCount && !interrupt.requested()) {
    processes.push_back(rows_on(allocator, parts, interrupt));
  }
  if (interrupt.requested()) return Json::array();
  Json rows = processes.front();
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::vector<double> values;
    for (const auto& process : processes) values.push_back(process.at(row).at("value"));
    rows[row]["value"] = median(std::move(values));
    rows[row]["how"] = fmt::format("{}; median of {} processes",
                                   rows[row].at("how").get<std::string>(), kProcessesCount);
  }
  return rows;
}

void print_table(const Json& rows) {
  fmt::print("{:<72}{:>9}{:>10}  {}\n", "the harness's own cost", "measured", "at most", "unit");
  for (const auto& row : rows) {
    fmt::print("{:<72}{:>9.3f}{:>10.1f}  {}\n", row.at("name").get<std::string>(),
               row.at("value").get<double>(), row.at("target").get<double>(),
               row.at("unit").get<std::string>());
    fmt::print("  {}\n", row.at("how").get<std::string>());
  }
}

}  // namespace

int print_self_cost(const Parts& parts, bool as_json, Interrupt& interrupt) {
  Json rows = Json::array();
  for (const char* allocator : {"null", "glibc"}) {
    for (auto& row : median_rows_on(allocator, parts, interrupt)) rows.push_back(std::move(row));
  }
  for (auto& row : program_cost_rows(parts, interrupt)) rows.push_back(std::move(row));
  if (interrupt.requested()) return kExitInterrupted;
  if (as_json) {
    constexpr int kIndent = 2;
    fmt::print("{}\n", Json{{"rows", rows}}.dump(kIndent));
  } else {
    print_table(rows);
  }
  return kExitOk;
}

}  // namespace heapwise
