// Where small requests come from: the heap's top, which brk moves when nothing else serves them.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <iterator>

#include "bench/experiment/experiment.h"
#include "bench/experiment/glibc_top.h"

namespace heapwise {
namespace {

constexpr std::size_t kLongestLabel = 80;

std::int64_t heap_end() {
  return reinterpret_cast<std::int64_t>(sbrk(0));
}

int count_moves(std::size_t size_bytes, int mallocs_count) {
  int moves_count = 0;
  std::int64_t end = heap_end();
  for (int i = 0; i < mallocs_count; ++i) {
    malloc(size_bytes);
    if (heap_end() == end) continue;
    end = heap_end();
    ++moves_count;
  }
  return moves_count;
}

/// One malloc with a step, added to `moves_count` when it moves brk.
void* malloc_told(Report& report, std::size_t size_bytes, const char* state, int& moves_count) {
  const std::int64_t before = heap_end();
  void* const block = malloc(size_bytes);
  if (heap_end() != before) ++moves_count;
  char label[kLongestLabel];
  snprintf(label, sizeof label, "malloc(%zu) %s", size_bytes, state);
  report.step(label, block);
  return block;
}

}  // namespace

/// Tells: first_growth_bytes (brk after the first malloc, against before), moves_count and
/// mallocs_count (how often brk moved in so many mallocs of 100 bytes).
void first_malloc(Report& report, const Arguments&) {
  constexpr int kMallocs = 10'000;
  constexpr std::size_t kSize = 100;
  const ProcessState before = report.step("at the start");
  void* const first = malloc(1);
  const ProcessState after = report.step("malloc(1)", first);
  report.value("first_growth_bytes", after.brk - before.brk);
  const int moves_count = count_moves(kSize, kMallocs);
  report.step("10,000 x malloc(100)");
  report.value("mallocs_count", kMallocs);
  report.value("moves_count", moves_count);
}

/// For requests of 100 bytes up to 100,000, one malloc each in three states of the heap. Tells:
/// sizes_count and for how many of them brk moved: with nothing free (empty_moves_count), with room
/// in the top (top_moves_count), with a freed block of that size only (freed_block_moves_count).
void top_states(Report& report, const Arguments&) {
  constexpr std::size_t kSizes[] = {100, 1'000, 10'000, 100'000};
  int empty_moves_count = 0;
  int top_moves_count = 0;
  int freed_block_moves_count = 0;
  for (const std::size_t size_bytes : kSizes) {
    use_up_top();
    report.step("until nothing is free: malloc");
    void* const first = malloc_told(report, size_bytes, "with nothing free", empty_moves_count);
    malloc_told(report, size_bytes, "with room in the top", top_moves_count);
    use_up_top();
    free(first);
    malloc_told(report, size_bytes, "with a freed block of that size only",
                freed_block_moves_count);
  }
  report.value("sizes_count", std::size(kSizes));
  report.value("empty_moves_count", empty_moves_count);
  report.value("top_moves_count", top_moves_count);
  report.value("freed_block_moves_count", freed_block_moves_count);
}

/// Tells, of requests of 24 to 10,000 bytes, the curve moves_per_malloc (over the size), and of all
/// of them mallocs_count and moves_count.
void top_moves(Report& report, const Arguments&) {
  constexpr std::size_t kSizes[] = {24, 100, 1'000, 10'000};
  constexpr int kMallocs = 10'000;
  int moves_count = 0;
  report.step("at the start");
  for (const std::size_t size_bytes : kSizes) {
    const int moves_of_size_count = count_moves(size_bytes, kMallocs);
    char label[kLongestLabel];
    snprintf(label, sizeof label, "%d x malloc(%zu)", kMallocs, size_bytes);
    report.step(label);
    report.point("moves_per_malloc", static_cast<double>(size_bytes),
                 static_cast<double>(moves_of_size_count) / kMallocs);
    moves_count += moves_of_size_count;
  }
  report.value("mallocs_count", kMallocs * std::size(kSizes));
  report.value("moves_count", moves_count);
}

}  // namespace heapwise
