// What glibc's malloc does with each of its settings. It has no call that would tell, so every
// value is inferred from chunk headers, mallinfo2, the heap's end, or the content of memory. Each
// probe reads `settings` to know what the others hide from it: with mmap_max=0 no threshold can be
// seen.
//
// All run in a fork (probe_in_fork), take no memory but through the calls they observe, and never
// return anything to the heap that they need not.
#pragma once

#include <cstdint>
#include <optional>

#include "allocators/behaviour/behaviour_probe.h"

namespace heapwise {

/// The values asked for; absent where the default holds.
struct GlibcSettings {
  using Value = std::optional<std::uint64_t>;
  Value mmap_threshold, trim_threshold, top_pad, mmap_max, arena_max, arena_test, tcache_count,
      tcache_max, mxfast, hugetlb, perturb;
};

void probe_mmap_threshold(const GlibcSettings& settings, ProbeAnswer& answer);
void probe_trim_threshold(const GlibcSettings& settings, ProbeAnswer& answer);
void probe_top_pad(const GlibcSettings& settings, ProbeAnswer& answer);
void probe_mmap_max(const GlibcSettings& settings, ProbeAnswer& answer);
void probe_arena_max(const GlibcSettings& settings, ProbeAnswer& answer);
void probe_arena_test(const GlibcSettings& settings, ProbeAnswer& answer);
void probe_tcache_count(const GlibcSettings& settings, ProbeAnswer& answer);
void probe_tcache_max(const GlibcSettings& settings, ProbeAnswer& answer);
void probe_mxfast(const GlibcSettings& settings, ProbeAnswer& answer);
void probe_hugetlb(const GlibcSettings& settings, ProbeAnswer& answer);
void probe_perturb(const GlibcSettings& settings, ProbeAnswer& answer);

}  // namespace heapwise
