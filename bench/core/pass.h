// The passes: what one process measures. They are never mixed, because each probe disturbs the
// others' figures: a timer in the loop slows it, a tracer slows system calls, a check is slow
// itself.
#pragma once

#include <array>
#include <string_view>

namespace heapwise {

enum class HeapKind { kPlain, kTimed, kChecked };

struct Pass {
  std::string_view name;
  HeapKind heap;
  bool samples_memory;       // clear_refs before the region, timeline and /proc reads
  bool traces_system_calls;  // launcher counts between the region's two marker calls
  bool counts_heap_calls;    // preloads the counting shim in front of the allocator
  std::string_view measures;
};

inline constexpr std::array<Pass, 5> kPasses{{
    {"throughput", HeapKind::kPlain, false, false, false, "time of whole slices, no timer inside"},
    {"latency", HeapKind::kTimed, false, false, false, "time of every call"},
    {"memory", HeapKind::kPlain, true, false, false, "RSS, VSZ, faults, a timeline"},
    {"system_calls", HeapKind::kPlain, false, true, false, "brk, mmap, munmap, madvise, mremap"},
    {"checked", HeapKind::kChecked, false, false, true,
     "overlap, content, alignment of every object, number of calls"},
}};

/// The pass of that name, or nullptr.
constexpr const Pass* find_pass(std::string_view name) {
  for (const auto& pass : kPasses) {
    if (pass.name == name) return &pass;
  }
  return nullptr;
}

}  // namespace heapwise
