// What a block costs that malloc maps from the kernel for itself, against one from the heap.
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/core/clock.h"
#include "bench/experiment/chunk.h"
#include "bench/experiment/experiment.h"
#include "bench/experiment/pages.h"

namespace heapwise {
namespace {

constexpr std::size_t kBytesPerMiB = 1 << 20;

/// Maps memory without malloc; refuses where the kernel does.
void* map_pages(Report& report, std::size_t size_bytes) {
  void* const memory =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) report.refuse("mmap");
  // one fault a page is the subject; where huge pages are given always, they are not wanted here
  madvise(memory, size_bytes, MADV_NOHUGEPAGE);
  return memory;
}

struct ProcessorTime {
  std::int64_t user_us = 0;
  std::int64_t system_us = 0;
};

ProcessorTime processor_time() {
  constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.user_us = usage.ru_utime.tv_sec * kMicrosecondsPerSecond + usage.ru_utime.tv_usec,
          .system_us = usage.ru_stime.tv_sec * kMicrosecondsPerSecond + usage.ru_stime.tv_usec};
}

/// Nanoseconds of this thread's processor time for a write to each page, for each of them.
double write_cost_ns(void* memory, std::size_t size_bytes) {
  const auto begin = read_clock(CLOCK_THREAD_CPUTIME_ID);
  write_each_page(memory, size_bytes);
  const auto end = read_clock(CLOCK_THREAD_CPUTIME_ID);
  const auto pages = static_cast<double>(size_bytes / static_cast<std::size_t>(getpagesize()));
  return static_cast<double>(end.value - begin.value) / pages;
}

/// Bytes of the block that are not `byte`.
std::size_t count_other_bytes(const void* block, std::size_t size_bytes, unsigned char byte) {
  const auto* const bytes = static_cast<const unsigned char*>(block);
  std::size_t count = 0;
  for (std::size_t i = 0; i < size_bytes; ++i) count += bytes[i] != byte ? 1 : 0;
  return count;
}

bool is_in_heap(const void* block) {
  return static_cast<const char*>(block) < end_of_heap();
}

}  // namespace

/// Argument: size in MiB (1). Tells size_bytes, page_bytes and the faults of malloc
/// (malloc_faults_count) and of a write to each page (write_faults_count).
void first_use_of_mapped(Report& report, const Arguments& arguments) {
  const std::size_t size_bytes = static_cast<std::size_t>(arguments.number(0, 1)) * kBytesPerMiB;
  make_program_resident();
  void* const earlier = must_malloc(report, size_bytes);
  const ProcessState before =
      report.step("malloc of another, for its first run and malloc's own tables", earlier);
  void* const block = must_malloc(report, size_bytes);
  const ProcessState allocated = report.step("malloc, which maps it", block);
  write_each_page(block, size_bytes);
  const ProcessState written = report.step("a write to each page", block);
  report.value("size_bytes", size_bytes);
  report.value("page_bytes", getpagesize());
  report.value("malloc_faults_count", allocated.minor_faults_count - before.minor_faults_count);
  report.value("write_faults_count", written.minor_faults_count - allocated.minor_faults_count);
}

/// Tells fault_ns and touch_ns, a write to a page that is not resident yet and to one that is, and
/// of the rounds that fault: user_us and system_us. Curves over the rounds: fault_ns, touch_ns.
void page_costs(Report& report, const Arguments&) {
  constexpr int kRounds = 8;
  constexpr std::size_t kSizeBytes = 32 * kBytesPerMiB;
  report.step("at the start");
  double fault_ns = 0;
  const ProcessorTime before = processor_time();
  for (int round = 0; round < kRounds; ++round) {
    void* const memory = map_pages(report, kSizeBytes);
    const double cost_ns = write_cost_ns(memory, kSizeBytes);
    fault_ns += cost_ns / kRounds;
    report.point("fault_ns", round, cost_ns);
    munmap(memory, kSizeBytes);
  }
  const ProcessorTime after = processor_time();
  report.step("8 x 32 MiB mapped, each page written, unmapped");
  void* const resident = map_pages(report, kSizeBytes);
  write_each_page(resident, kSizeBytes);
  double touch_ns = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double cost_ns = write_cost_ns(resident, kSizeBytes);
    touch_ns += cost_ns / kRounds;
    report.point("touch_ns", round, cost_ns);
  }
  report.step("8 x each page of 32 MiB written that are resident");
  report.value("fault_ns", static_cast<std::int64_t>(fault_ns + 0.5));
  report.value("touch_ns", static_cast<std::int64_t>(touch_ns + 0.5));
  report.value("user_us", after.user_us - before.user_us);
  report.value("system_us", after.system_us - before.system_us);
}

/// Argument: open, or obstructed: a page is mapped right behind the heap's end, as a library's or a
/// thread's might be. Tells blocks_count, growth_bytes (how far brk moved for them), jumps_count
/// (how many do not lie right behind the one before) and farthest_jump_bytes.
void heap_in_one_piece(Report& report, const Arguments& arguments) {
  constexpr int kBlocks = 200;
  constexpr std::size_t kBlockBytes = 10'000;
  void* last = must_malloc(report, kBlockBytes);
  const ProcessState before = report.step("malloc(10,000)", last);
  if (strcmp(arguments.word(0, "open"), "obstructed") == 0) {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    void* const behind = mmap(const_cast<char*>(end_of_heap()),
                              static_cast<std::size_t>(getpagesize()), PROT_NONE, kFlags, -1, 0);
    if (behind == MAP_FAILED) report.refuse("a mapping right behind the heap");
    report.step("mmap of a page right behind the heap's end", behind);
  }
  int jumps = 0;
  std::int64_t farthest_bytes = 0;
  for (int i = 1; i < kBlocks; ++i) {
    const char* const expected = end_of_chunk(last);
    void* const next = must_malloc(report, kBlockBytes);
    const std::int64_t distance = begin_of_chunk(next) - expected;
    const std::int64_t distance_bytes = distance < 0 ? -distance : distance;
    jumps += distance != 0 ? 1 : 0;
    if (distance_bytes > farthest_bytes) farthest_bytes = distance_bytes;
    if (distance != 0 && jumps == 1)
      report.step("the first malloc(10,000) that went elsewhere", next);
    last = next;
  }
  const ProcessState after = report.step("the last of 200 x malloc(10,000)", last);
  report.value("blocks_count", kBlocks);
  report.value("growth_bytes", after.brk - before.brk);
  report.value("jumps_count", jumps);
  report.value("farthest_jump_bytes", farthest_bytes);
}

/// Argument: size in MiB (1). After three rounds of malloc, a write to each page and free: 100
/// more, with faults_count; system calls between the marks.
void reuse_of_large_block(Report& report, const Arguments& arguments) {
  constexpr int kRounds = 100;
  const std::size_t size_bytes = static_cast<std::size_t>(arguments.number(0, 1)) * kBytesPerMiB;
  make_program_resident();
  report.step("at the start");
  const char* const labels[] = {"first round: malloc, written, free", "second round",
                                "third round"};
  for (const char* const label : labels) {
    void* const block = must_malloc(report, size_bytes);
    write_each_page(block, size_bytes);
    free(block);
    report.step(label, block);
  }
  const ProcessState before = read_process_state();
  report.count_system_calls_from_here();
  for (int round = 0; round < kRounds; ++round) {
    void* const block = must_malloc(report, size_bytes);
    write_each_page(block, size_bytes);
    free(block);
  }
  report.count_system_calls_until_here();
  const ProcessState after = report.step("100 more rounds");
  report.value("size_bytes", size_bytes);
  report.value("rounds_count", kRounds);
  report.value("faults_count", after.minor_faults_count - before.minor_faults_count);
}

/// Fills a block, frees it, asks for its size again: mapped_nonzero_bytes of a block that was
/// mapped twice (mapped_was_mapped), heap_stale_bytes of one that got its place in the heap again
/// (heap_same_place); mapped_bytes and heap_bytes are their sizes.
void content_after_reuse(Report& report, const Arguments&) {
  constexpr std::size_t kHeapBytes = 100'000;
  constexpr int kFill = 0xa5;
  mallopt(M_MMAP_THRESHOLD,
          128 << 10);  // as it is at first, but the free of a mapped block does not raise it
  report.step("mallopt(M_MMAP_THRESHOLD, 128K), so that it stays");
  void* const mapped = must_malloc(report, kBytesPerMiB);
  memset(mapped, kFill, kBytesPerMiB);
  const bool first_is_mapped = !is_in_heap(mapped);
  report.step("malloc(1 MiB), filled", mapped);
  free(mapped);
  void* const mapped_again = must_malloc(report, kBytesPerMiB);
  report.step("free, malloc(1 MiB)", mapped_again);
  report.value("mapped_bytes", kBytesPerMiB);
  report.value("mapped_was_mapped", first_is_mapped && !is_in_heap(mapped_again) ? 1 : 0);
  report.value("mapped_nonzero_bytes", count_other_bytes(mapped_again, kBytesPerMiB, 0));
  void* const block = must_malloc(report, kHeapBytes);
  void* const above = must_malloc(report, kHeapBytes / 100);
  memset(block, kFill, kHeapBytes);
  report.step("malloc(100,000) below a live block, filled", block);
  free(block);
  void* const again = must_malloc(report, kHeapBytes);
  report.step("free, malloc(100,000)", again);
  report.value("heap_bytes", kHeapBytes);
  report.value("heap_same_place", again == block && above != nullptr ? 1 : 0);
  report.value("heap_stale_bytes", kHeapBytes - count_other_bytes(again, kHeapBytes, kFill));
}

}  // namespace heapwise
