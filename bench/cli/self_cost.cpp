#include "bench/cli/self_cost.h"

#include <fmt/format.h>

#include "allocators/allocator.h"
#include "bench/cli/command_line.h"
#include "bench/run/child.h"
#include "bench/run/json.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr Nanoseconds kTimeout{120'000'000'000};

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
    for (auto& row : rows_on(allocator, parts, interrupt)) rows.push_back(std::move(row));
  }
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
