// Where resident memory above the live bytes lies, when the region has ended:
//
//     RSS growth = live | internal: rounded up | external: headers, holes | unreturned: would go
//                       └─ usable size ───────┘  if asked for ────────────┘
//
// The split takes reading RSS before and after release_memory, with every object still live. Where
// malloc_usable_size answers with the size that was asked for (scudo), rounding up is external too.
#pragma once

#include "allocators/release.h"
#include "bench/probe/memory_sampler.h"
#include "bench/worker/figures.h"
#include "workloads/workload.h"

namespace heapwise {

/// Releases memory, drains the workload and releases memory again.
FragmentationFigures split_fragmentation(Workload& workload, const Release& release,
                                         const MemorySampler& sampler);

}  // namespace heapwise
