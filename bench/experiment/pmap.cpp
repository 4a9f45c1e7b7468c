// What pmap tells about a process, against what the kernel tells the process itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/mappings.h"
#include "bench/experiment/tool.h"

namespace heapwise {
namespace {

constexpr const char* kTotal = "total kB";

struct OwnMappings {
  std::int64_t count = 0;
  std::int64_t kernel_bytes = 0;  // of those in the kernel's half, such as [vsyscall]
};

OwnMappings own_mappings() {
  Mappings mappings;
  Mapping mapping;
  OwnMappings own;
  while (mappings.next(mapping)) {
    ++own.count;
    if (mapping.begin > UINTPTR_MAX / 2)
      own.kernel_bytes += static_cast<std::int64_t>(mapping.bytes());
  }
  return own;
}

/// How many lines of pmap's begin with an address: as many hexadecimal digits as it has.
std::int64_t count_address_lines(const char* text) {
  constexpr std::size_t kDigits = 2 * sizeof(void*);
  std::int64_t count = 0;
  for (const char* line = text; line != nullptr; line = strchr(line, '\n')) {
    line += *line == '\n' ? 1 : 0;
    count += strspn(line, "0123456789abcdef") == kDigits ? 1 : 0;
  }
  return count;
}

}  // namespace

/// Tells: mappings_count (in /proc/self/maps) and lines_count (of pmap -x), vsz_bytes (as the
/// kernel counts it) and total_bytes (pmap's), kernel_bytes (of mappings in the kernel's half),
/// names_stack (pmap has a line for the stack).
void pmap_total(Report& report, const Arguments&) {
  static char output[64 << 10];
  char process[16];
  snprintf(process, sizeof process, "%d", getpid());
  const char* const arguments[] = {"pmap", "-x", process, nullptr};
  static_cast<void>(malloc(1));
  const ProcessState before = report.step("malloc(1), so that there is a heap");
  const OwnMappings own = own_mappings();
  const ToolEnd end = run_tool_or_refuse(report, {.package = "procps", .arguments = arguments},
                                         output, sizeof output);
  report.step("pmap -x of this process");
  const char* const total = strstr(output, kTotal);
  if (!end.succeeded() || total == nullptr)
    report.refuse("pmap -x", "it told no total; apt-get install procps");
  report.value("mappings_count", own.count);
  report.value("lines_count", count_address_lines(output));
  report.value("vsz_bytes", before.vsz_bytes);
  report.value("total_bytes",
               static_cast<std::int64_t>(strtoll(total + strlen(kTotal), nullptr, 10) << 10));
  report.value("kernel_bytes", own.kernel_bytes);
  report.value("names_stack", strstr(output, "stack") != nullptr ? 1 : 0);
}

}  // namespace heapwise
