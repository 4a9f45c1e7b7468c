#include "bench/worker/fragmentation.h"

#include <malloc.h>

namespace heapwise {

FragmentationFigures split_fragmentation(Workload& workload, const Release& release,
                                         const MemorySampler& sampler) {
  FragmentationFigures figures{.rss_end = sampler.sample().rss};
  workload.visit_live([&](void* object, std::size_t size) {
    figures.live.value += size;
    figures.usable.value += malloc_usable_size(object);
  });
  figures.was_released = release_memory(release);
  figures.rss_released = sampler.sample().rss;
  workload.drain();
  release_memory(release);
  figures.rss_empty = sampler.sample().rss;
  return figures;
}

}  // namespace heapwise
