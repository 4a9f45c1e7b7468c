#include "bench/cli/self_cost.h"

#include <fmt/format.h>

#include <cstdio>

#include "allocators/allocator.h"
#include "bench/cli/command_line.h"
#include "bench/run/child.h"
#include "bench/run/json.h"
#include "bench/run/run_error.h"

namespace heapwise {
namespace {

constexpr Nanoseconds kTimeout{120'000'000'000};

/// One line for each number or text, its place in the document as its name.
void print_rows(const std::string& name, const Json& value) {
  if (value.is_object() || value.is_array()) {
    std::size_t index = 0;
    for (const auto& [key, item] : value.items()) {
      const auto inner = value.is_array() ? fmt::format("{}", index++) : key;
      print_rows(name.empty() ? inner : name + " " + inner, item);
    }
    return;
  }
  const auto text = value.is_string() ? value.get<std::string>() : value.dump();
  fmt::print("{:<48} {:>16}\n", name, text);
}

}  // namespace

int print_self_cost(const Parts& parts, bool as_json, Interrupt& interrupt) {
  const auto glibc = resolve_allocator(parse_spec("glibc"), parts.directory);
  Child child({.launcher = parts.launcher,
               .launch_options = {},
               .command = {parts.worker, "--self"},
               .environment = child_environment(glibc, {})});
  const auto end = child.finish(deadline_after(kTimeout), interrupt);
  if (interrupt.requested()) return kExitInterrupted;
  const auto json = Json::parse(end.output, nullptr, false);
  if (!json.is_object()) {
    throw RunError("'" + parts.worker + " --self' gave no figures: " + end.errors +
                   "; build or install heapwise again");
  }
  if (as_json) {
    constexpr int kIndent = 2;
    fmt::print("{}\n", json.dump(kIndent));
  } else {
    print_rows("", json);
  }
  return kExitOk;
}

}  // namespace heapwise
