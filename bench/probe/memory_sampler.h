// This process's memory as the kernel counts it, by raw reads of /proc/self into fixed buffers.
//
// statm is exact and costs about 1 us with the file kept open; RSS from /proc/self/stat may be off
// by the kernel's per-CPU counters. status costs about 7 us, smaps_rollup milliseconds on a large
// process: the last two are read at the region's ends only.
#pragma once

#include "bench/core/units.h"

namespace heapwise {

struct MemorySample {
  Bytes rss;
  Bytes vsz;
};

struct MemoryPeaks {
  Bytes rss;  // VmHWM: since the process began or since reset_peak_rss()
  Bytes vsz;  // VmPeak: since the process began; the kernel cannot reset it
};

class MemorySampler {
 public:
  MemorySampler();
  ~MemorySampler();
  MemorySampler(const MemorySampler&) = delete;
  MemorySampler& operator=(const MemorySampler&) = delete;

  /// RSS and VSZ now; zeros where /proc cannot be read.
  MemorySample sample() const;

 private:
  int statm_;
};

MemoryPeaks read_memory_peaks();

/// Transparent huge pages that back this process's anonymous memory.
Bytes read_anon_huge_bytes();

/// Makes the peak RSS start anew from the present RSS ("5" to clear_refs). False where not allowed.
bool reset_peak_rss();

}  // namespace heapwise
