// What free gives back to the kernel, by where the block lies: in a mapping of its own, below
// another live block, at the top of the heap, or everywhere.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/pages.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr std::size_t kMappedBytes = 10 << 20;
constexpr std::size_t kHeapBlockBytes = 100'000;  // from the heap, with any threshold in use
constexpr std::size_t kLiveBytes = 100;
constexpr std::size_t kTotalBytes = 10'000'000;
constexpr std::size_t kLargeBytes = 2000;  // large enough to merge what the fast bins hold
constexpr std::size_t kPointsCount = 180;

enum class Order { kLastFirst, kFirstFirst, kPinned };

Order order_of(Report& report, const char* word) {
  if (strcmp(word, "lifo") == 0) return Order::kLastFirst;
  if (strcmp(word, "fifo") == 0) return Order::kFirstFirst;
  if (strcmp(word, "pinned") == 0) return Order::kPinned;
  report.refuse("the order", "it is lifo, fifo or pinned");
}

/// Blocks of one size, made one after the other, each page written.
struct Blocks {
  Blocks(Report& report, std::size_t block_bytes)
      : size_bytes(block_bytes), count(kTotalBytes / block_bytes) {
    table = map_table(report, count);
  }
  void make(Report& report) {
    for (std::size_t i = 0; i < count; ++i)
      write_each_page(table[i] = must_malloc(report, size_bytes), size_bytes);
  }

  std::size_t size_bytes;
  std::size_t count;
  void** table;
};

/// RSS and brk while blocks are freed, from the state before they were made.
class Course {
 public:
  Course(Report& report, const char* order, const ProcessState& start, bool is_told)
      : report_(report), start_(start), is_told_(is_told) {
    snprintf(rss_, sizeof rss_, "%s_rss_bytes", order);
    snprintf(brk_, sizeof brk_, "%s_brk_bytes", order);
    snprintf(trimmed_rss_, sizeof trimmed_rss_, "%s_trimmed_rss_bytes", order);
    snprintf(trimmed_brk_, sizeof trimmed_brk_, "%s_trimmed_brk_bytes", order);
  }
  void after_frees(std::size_t frees_count) { tell(rss_, brk_, frees_count, read_process_state()); }
  void after_trim(std::size_t frees_count, const ProcessState& now) {
    tell(trimmed_rss_, trimmed_brk_, frees_count, now);
  }

 private:
  void tell(const char* rss, const char* brk, std::size_t frees_count, const ProcessState& now) {
    if (!is_told_) return;
    report_.point(rss, static_cast<double>(frees_count),
                  static_cast<double>(now.rss_bytes - start_.rss_bytes));
    report_.point(brk, static_cast<double>(frees_count), static_cast<double>(now.brk - start_.brk));
  }

  Report& report_;
  const ProcessState start_;
  const bool is_told_;
  char rss_[32];
  char brk_[32];
  char trimmed_rss_[32];
  char trimmed_brk_[32];
};

void free_in_order(const Blocks& blocks, Order order, Course& course) {
  const std::size_t stride = blocks.count / kPointsCount + 1;
  course.after_frees(0);
  for (std::size_t i = 0; i < blocks.count; ++i) {
    free(blocks.table[order == Order::kLastFirst ? blocks.count - 1 - i : i]);
    if ((i + 1) % stride == 0 || i + 1 == blocks.count) course.after_frees(i + 1);
  }
}

/// <when>returned_rss_bytes and <when>returned_brk_bytes, since `made`.
void tell_returned(Report& report, const char* when, const ProcessState& made,
                   const ProcessState& now) {
  char name[48];
  snprintf(name, sizeof name, "%sreturned_rss_bytes", when);
  report.value(name, made.rss_bytes - now.rss_bytes);
  snprintf(name, sizeof name, "%sreturned_brk_bytes", when);
  report.value(name, made.brk - now.brk);
}

}  // namespace

/// Tells size_bytes, what VSZ and RSS lost by the free of a block of 10 MiB (returned_*), and the
/// signal that a write to it got afterwards (touch_signal; 0: none).
void free_mapped_block(Report& report, const Arguments&) {
  make_program_resident();
  report.step("at the start");
  void* const block = must_malloc(report, kMappedBytes);
  write_each_page(block, kMappedBytes);
  const ProcessState written = report.step("malloc(10 MiB), each page written", block);
  free(block);
  const ProcessState freed = report.step("free");
  const int signal = signal_of_write(report, block);
  report.step("a child process wrote to the freed block");
  report.value("size_bytes", kMappedBytes);
  report.value("returned_vsz_bytes", written.vsz_bytes - freed.vsz_bytes);
  report.value("returned_rss_bytes", written.rss_bytes - freed.rss_bytes);
  report.value("touch_signal", signal);
}

/// Tells size_bytes, what VSZ, RSS and brk lost by the free of a block below a live one
/// (returned_*), whether the next malloc of that size got its place (reuse_same_place) and how many
/// faults writing it again took (reuse_faults_count).
void free_below_live_block(Report& report, const Arguments&) {
  make_program_resident();
  report.step("at the start");
  void* const block = must_malloc(report, kHeapBlockBytes);
  void* const live = must_malloc(report, kLiveBytes);
  write_each_page(block, kHeapBlockBytes);
  write_each_page(live, kLiveBytes);
  report.step("malloc(100,000), written", block);
  const ProcessState written = report.step("malloc(100) above it, written", live);
  free(block);
  const ProcessState freed = report.step("free of the lower block");
  void* const again = must_malloc(report, kHeapBlockBytes);
  write_each_page(again, kHeapBlockBytes);
  const ProcessState reused = report.step("malloc(100,000), written", again);
  report.value("size_bytes", kHeapBlockBytes);
  report.value("returned_vsz_bytes", written.vsz_bytes - freed.vsz_bytes);
  report.value("returned_rss_bytes", written.rss_bytes - freed.rss_bytes);
  report.value("returned_brk_bytes", written.brk - freed.brk);
  report.value("reuse_same_place", again == block ? 1 : 0);
  report.value("reuse_faults_count", reused.minor_faults_count - freed.minor_faults_count);
}

/// Arguments: size of a block (2000); order of the frees: lifo, fifo, or pinned, which is fifo with
/// a block above the others that stays; `curves`, to tell them. 10 MB of such blocks are made and
/// freed. Tells block_bytes, blocks_count, frees_last_first (1 or 0), what they took (made_*) and
/// what was returned of that in all (returned_*): after the last free, after the malloc and free of
/// one large block (large_returned_*) and after malloc_trim(0) (trim_returned_*). Curves:
/// <order>_rss_bytes and <order>_brk_bytes over the number of frees, from the state before the
/// blocks; <order>_trimmed_*: one point after malloc_trim.
void free_everything(Report& report, const Arguments& arguments) {
  const auto block_bytes = static_cast<std::size_t>(arguments.number(0, kLargeBytes));
  const char* const order_word = arguments.word(1, "lifo");
  const Order order = order_of(report, order_word);
  make_program_resident();
  Blocks blocks(report, block_bytes);
  const ProcessState start = report.step("at the start");
  blocks.make(report);
  if (order == Order::kPinned) write_each_page(must_malloc(report, block_bytes), block_bytes);
  const ProcessState made = report.step("10 MB in blocks, each page written");
  Course course(report, order_word, start, strcmp(arguments.word(2, ""), "curves") == 0);
  free_in_order(blocks, order, course);
  tell_returned(report, "", made, report.step("all freed"));
  void* const large = must_malloc(report, kLargeBytes);
  report.step("malloc(2000)", large);
  free(large);
  tell_returned(report, "large_", made, report.step("free of that"));
  malloc_trim(0);
  const ProcessState trimmed = report.step("malloc_trim(0)");
  tell_returned(report, "trim_", made, trimmed);
  course.after_trim(blocks.count, trimmed);
  report.value("block_bytes", block_bytes);
  report.value("blocks_count", blocks.count);
  report.value("frees_last_first", order == Order::kLastFirst ? 1 : 0);
  report.value("made_rss_bytes", made.rss_bytes - start.rss_bytes);
  report.value("made_brk_bytes", made.brk - start.brk);
}

}  // namespace heapwise
