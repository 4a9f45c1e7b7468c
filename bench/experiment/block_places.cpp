// Where blocks lie in the address space: small ones in the heap, large ones among the mappings.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/mapped_chunk.h"

namespace heapwise {
namespace {

/// Starts this program anew with mappings laid out from low addresses upwards. Returns only where
/// that is not allowed.
void restart_in_legacy_layout() {
  const int persona = personality(0xffffffff);  // asks
  if (persona < 0 || personality(static_cast<unsigned long>(persona) | ADDR_COMPAT_LAYOUT) < 0)
    return;
  execl("/proc/self/exe", "heapwise-experiment", "block_places", "restarted", nullptr);
}

}  // namespace

/// Argument: "legacy" asks for the kernel's old layout of mappings. Tells legacy_layout_error when
/// it is not to be had, and otherwise the addresses small_block_address (100 bytes),
/// large_block_address (1 MiB), stack_address, and large_block_is_mapped (1 or 0).
void block_places(Report& report, const Arguments& arguments) {
  if (strcmp(arguments.word(0, ""), "legacy") == 0) {
    restart_in_legacy_layout();
    report.text("legacy_layout_error", strerrordesc_np(errno));
    return;
  }
  char on_stack = 0;
  report.step("at the start", &on_stack);
  const NewBlock small = allocate_block(100);
  report.step("malloc(100)", small.address);
  const NewBlock large = allocate_block(std::size_t{1} << 20);
  report.step("malloc(1 MiB)", large.address);
  report.value("small_block_address", reinterpret_cast<std::int64_t>(small.address));
  report.value("large_block_address", reinterpret_cast<std::int64_t>(large.address));
  report.value("stack_address", reinterpret_cast<std::int64_t>(&on_stack));
  report.value("large_block_is_mapped", large.came_mapped() ? 1 : 0);
}

}  // namespace heapwise
