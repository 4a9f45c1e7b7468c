#include "bench/run/memory_check.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "bench/core/spec.h"
#include "bench/run/groups.h"

namespace heapwise {
namespace {

std::string in_mib(Bytes bytes) {
  return fmt::format("{:.1f} MiB",
                     static_cast<double>(bytes.value) / static_cast<double>(kMiB.value));
}

}  // namespace

LargestCell largest_cell(const Plan& plan, Bytes memory_limit) {
  LargestCell largest;
  for (const auto& group : plan.groups) {
    auto footprint = footprint_of(group);
    if (memory_limit.value != 0 && group.obeys_memory_limit()) {
      footprint = std::min(footprint, memory_limit);
    }
    if (footprint > largest.footprint) largest = {group.title(), footprint};
  }
  return largest;
}

void require_memory(const LargestCell& largest, Bytes available) {
  if (largest.footprint <= available) return;
  throw UsageError(fmt::format(
      "the cell {} needs {} at least, and {} are available; nothing was measured. Make it smaller "
      "(live, size or window), or free memory",
      largest.title, in_mib(largest.footprint), in_mib(available)));
}

Bytes touch_memory(const LargestCell& largest, Bytes available) {
  const Bytes size{
      std::min(largest.footprint.value + largest.footprint.value / 2, available.value / 2)};
  if (size.value == 0) return {};
  void* memory = mmap(nullptr, size.value, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return {};
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  auto* const bytes = static_cast<volatile unsigned char*>(memory);
  for (std::size_t offset = 0; offset < size.value; offset += page) bytes[offset] = 1;
  munmap(memory, size.value);
  return size;
}

}  // namespace heapwise
