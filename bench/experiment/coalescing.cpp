// Whether two neighbours that are freed become one chunk.
#include <stdlib.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/in_fork.h"

namespace heapwise {
namespace {

constexpr std::size_t kHeaderBytes = sizeof(std::size_t);
constexpr int kCachedAtMost = 7;  // chunks of one size that a thread's cache takes by default

/// Frees two neighbours of `size` and asks for their bytes in one piece: they have merged when it
/// lies where the first was. Before that `others` blocks of the size are freed, which fills a
/// cache.
bool merge(std::size_t size_bytes, int others) {
  void* filling[kCachedAtMost];
  for (int i = 0; i < others; ++i) filling[i] = malloc(size_bytes);
  auto* const first = static_cast<char*>(malloc(size_bytes));
  auto* const second = static_cast<char*>(malloc(size_bytes));
  void* const wall = malloc(size_bytes);
  if (wall == nullptr) return false;
  for (int i = 0; i < others; ++i) free(filling[i]);
  const auto both_chunks_bytes = 2 * static_cast<std::size_t>(second - first);
  free(first);
  free(second);
  return malloc(both_chunks_bytes - kHeaderBytes) == first;
}

bool merge_in_fork(Report& report, std::size_t size_bytes, int others = 0) {
  return in_fork<bool>(report, [&] { return merge(size_bytes, others); });
}

/// By bisection, where small ones do not merge and large ones do; 0: the largest does not either.
std::size_t smallest_merging_request(Report& report) {
  std::size_t apart = 1;
  std::size_t merged = 16'000;
  if (!merge_in_fork(report, merged)) return 0;
  if (merge_in_fork(report, apart)) return apart;
  while (merged > apart + 1) {
    const std::size_t middle = (apart + merged) / 2;
    (merge_in_fork(report, middle) ? merged : apart) = middle;
  }
  return merged;
}

}  // namespace

/// Tells whether neighbours of 2000 and of 1000 bytes merged (merged_2000, merged_1000), those of
/// 1000 also after seven others were freed (merged_1000_behind_others), and the smallest request of
/// which neighbours merge (smallest_merging_bytes; 0: none).
void neighbours(Report& report, const Arguments&) {
  report.step("at the start: each attempt is a child process with a fresh heap");
  report.value("merged_2000", merge_in_fork(report, 2000) ? 1 : 0);
  report.step("two neighbours of 2000 bytes were freed, then asked for in one piece");
  report.value("merged_1000", merge_in_fork(report, 1000) ? 1 : 0);
  report.step("two neighbours of 1000 bytes likewise");
  report.value("others_count", kCachedAtMost);
  report.value("merged_1000_behind_others", merge_in_fork(report, 1000, kCachedAtMost) ? 1 : 0);
  report.step("the same after seven others of their size were freed");
  report.value("smallest_merging_bytes", smallest_merging_request(report));
  report.step("the smallest size whose neighbours merge was searched");
}

}  // namespace heapwise
