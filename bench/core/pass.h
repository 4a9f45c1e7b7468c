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
  bool times_slices = false;
  bool reads_memory = false;          // clear_refs before the region, /proc and faults at its ends
  bool keeps_timeline = false;        // memory between slices too
  bool traces_system_calls = false;   // launcher counts between the region's two marker calls
  bool reads_statistics = false;      // what the allocator counts of itself, at the region's ends
  bool paces_requests = false;        // requests arrive on a schedule, and are timed from there
  bool splits_fragmentation = false;  // live objects are asked for, memory is released at the end
  bool counts_heap_calls = false;     // preloads the counting shim in front of the allocator
  std::string_view measures;
};

inline constexpr std::string_view kLockstep = "lockstep";

inline constexpr std::array<Pass, 8> kPasses{{
    {.name = "throughput",
     .heap = HeapKind::kPlain,
     .times_slices = true,
     .measures = "time of whole slices, no timer inside"},
    {.name = "latency", .heap = HeapKind::kTimed, .measures = "time of every call"},
    {.name = "memory",
     .heap = HeapKind::kPlain,
     .reads_memory = true,
     .keeps_timeline = true,
     .reads_statistics = true,
     .measures = "RSS, VSZ, faults, a timeline"},
    {.name = "system_calls",
     .heap = HeapKind::kPlain,
     .traces_system_calls = true,
     .reads_statistics = true,
     .measures = "brk, mmap, munmap, madvise, mremap"},
    {.name = "open_loop",
     .heap = HeapKind::kPlain,
     .paces_requests = true,
     .measures = "time of whole requests from the moment at which each was due"},
    {.name = "fragmentation",
     .heap = HeapKind::kPlain,
     .splits_fragmentation = true,
     .measures = "where RSS above the live bytes lies, before and after memory is released"},
    {.name = "checked",
     .heap = HeapKind::kChecked,
     .counts_heap_calls = true,
     .measures = "overlap, content, alignment of every object, number of calls"},
    // What lies between slices must not disturb them: memory is read at the region's ends alone.
    {.name = kLockstep,
     .heap = HeapKind::kPlain,
     .times_slices = true,
     .reads_memory = true,
     .measures = "slices in turn with another process on the same CPU; RSS, VSZ, faults"},
}};

/// The pass of that name, or nullptr.
constexpr const Pass* find_pass(std::string_view name) {
  for (const auto& pass : kPasses) {
    if (pass.name == name) return &pass;
  }
  return nullptr;
}

}  // namespace heapwise
