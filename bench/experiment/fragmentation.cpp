// How much memory a heap holds for the bytes that are alive in it, over time:
//
//     plateau   random sizes, random lifetimes, a constant number of bytes alive
//     ladder    rising sizes; of each, one block in ten stays
//     pins      large blocks, each with a small one behind it that stays
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/core/random.h"
#include "bench/experiment/experiment.h"
#include "bench/experiment/pages.h"
#include "bench/experiment/tool.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr int kPointsCount = 200;

/// Blocks that were written, their bytes, and the course of RSS over them.
class Heap {
 public:
  explicit Heap(Report& report) : report_(report) {}

  void begin(const char* pattern) {
    snprintf(ratio_, sizeof ratio_, "%s_rss_per_live", pattern);
    snprintf(rss_, sizeof rss_, "%s_rss_bytes", pattern);
    snprintf(live_, sizeof live_, "%s_live_bytes", pattern);
    make_program_resident();
    start_ = report_.step("at the start");
  }
  void* make(std::size_t size_bytes) {
    void* const block = must_malloc(report_, size_bytes);
    write_each_page(block, size_bytes);
    live_bytes_ += static_cast<std::int64_t>(size_bytes);
    return block;
  }
  void release(void* block, std::size_t size_bytes) {
    free(block);
    live_bytes_ -= static_cast<std::int64_t>(size_bytes);
  }
  std::int64_t live_bytes() const { return live_bytes_; }
  /// The growth of RSS since begin().
  std::int64_t rss_bytes() const { return read_process_state().rss_bytes - start_.rss_bytes; }

  void point(double x) {
    if (live_bytes_ == 0) return;
    const auto rss = static_cast<double>(rss_bytes());
    const auto live = static_cast<double>(live_bytes_);
    report_.point(ratio_, x, rss / live);
    report_.point(rss_, x, rss);
    report_.point(live_, x, live);
  }

  /// live_bytes, rss_bytes, and trimmed_rss_bytes: RSS after malloc_trim(0).
  void tell_end() {
    report_.value("live_bytes", live_bytes_);
    report_.value("rss_bytes", rss_bytes());
    report_.step("the end of the pattern");
    malloc_trim(0);
    report_.value("trimmed_rss_bytes", rss_bytes());
    report_.step("malloc_trim(0)");
  }

 private:
  Report& report_;
  char ratio_[32] = {};
  char rss_[32] = {};
  char live_[32] = {};
  ProcessState start_{};
  std::int64_t live_bytes_ = 0;
};

/// 16 bytes to 32 KiB, each doubling equally likely.
std::size_t random_size(Random& random) {
  constexpr std::uint64_t kDoublings = 11;
  const std::size_t low = std::size_t{16} << random.below(kDoublings);
  return low + random.below(low);
}

struct Block {
  char* address;
  std::size_t size_bytes;
};

/// Random ones die to make room for one of another size.
class Plateau {
 public:
  Plateau(Report& report, Heap& heap) : heap_(heap) {
    blocks_ =
        reinterpret_cast<Block*>(map_table(report, kMostBlocks * sizeof(Block) / sizeof(void*)));
  }

  void fill() {
    for (std::size_t size = random_size(random_); has_room(size); size = random_size(random_))
      add(size);
  }
  void replace() {
    const std::size_t size = random_size(random_);
    while (!has_room(size)) remove_random();
    add(size);
  }

 private:
  static constexpr std::int64_t kLiveBytes = 16 << 20;
  static constexpr std::size_t kMostBlocks = 1 << 16;

  bool has_room(std::size_t size_bytes) const {
    return heap_.live_bytes() + static_cast<std::int64_t>(size_bytes) <= kLiveBytes &&
           count_ < kMostBlocks;
  }
  void add(std::size_t size_bytes) {
    blocks_[count_++] = {.address = static_cast<char*>(heap_.make(size_bytes)),
                         .size_bytes = size_bytes};
  }
  void remove_random() {
    Block& chosen = blocks_[random_.below(count_)];
    heap_.release(chosen.address, chosen.size_bytes);
    chosen = blocks_[--count_];
  }

  Heap& heap_;
  Random random_{kSeed};
  Block* blocks_;
  std::size_t count_ = 0;
};

void climb_plateau(Report& report, Heap& heap) {
  constexpr int kReplacementsPerPoint = 1000;
  Plateau plateau(report, heap);
  heap.begin("plateau");
  plateau.fill();
  report.step("16 MiB of random sizes were made");
  heap.point(0);
  for (int point = 1; point < kPointsCount; ++point) {
    for (int i = 0; i < kReplacementsPerPoint; ++i) plateau.replace();
    heap.point(static_cast<double>(point) * kReplacementsPerPoint);
  }
  report.value("replacements_count", (kPointsCount - 1) * kReplacementsPerPoint);
  heap.tell_end();
}

/// Each rung makes the same bytes in a size that does not fit into what nine freed neighbours of
/// the rung before leave.
class Ladder {
 public:
  static constexpr std::size_t kSizes[] = {64, 768, 9216, 110'592};
  static constexpr std::size_t kStays = 10;  // one in so many

  Ladder(Report& report, Heap& heap, std::size_t rung_bytes)
      : report_(report),
        heap_(heap),
        rung_bytes_(rung_bytes),
        blocks_(map_table(report, rung_bytes / kSizes[0])) {}

  void climb() {
    for (std::size_t rung = 0; rung < kRungs; ++rung) {
      make(rung);
      thin_out(rung);
      char label[64];
      snprintf(label, sizeof label, "blocks of %zu bytes, nine in ten freed", kSizes[rung]);
      report_.step(label);
    }
  }
  /// The survivors of all rungs hold each other: each the address of the one before.
  void free_survivors() {
    while (survivor_ != nullptr) {
      void* const block = survivor_;
      survivor_ = *static_cast<void**>(block);
      free(block);
    }
  }

 private:
  static constexpr std::size_t kRungs = sizeof kSizes / sizeof kSizes[0];
  static constexpr std::size_t kPointsPerHalf = kPointsCount / kRungs / 2;

  std::size_t count(std::size_t rung) const { return rung_bytes_ / kSizes[rung]; }

  void make(std::size_t rung) {
    for (std::size_t i = 0; i < count(rung); ++i) {
      blocks_[i] = heap_.make(kSizes[rung]);
      point(rung, 0, i);
    }
  }
  void thin_out(std::size_t rung) {
    for (std::size_t i = 0; i < count(rung); ++i) {
      if (i % kStays == 0) {
        *static_cast<void**>(blocks_[i]) = survivor_;
        survivor_ = blocks_[i];
      } else {
        heap_.release(blocks_[i], kSizes[rung]);
      }
      point(rung, 1, i);
    }
  }
  /// The x of a point: rungs so far, half of one for making and half for freeing.
  void point(std::size_t rung, int half, std::size_t done) {
    const std::size_t stride = count(rung) / kPointsPerHalf + 1;
    if ((done + 1) % stride != 0 && done + 1 != count(rung)) return;
    const double part = static_cast<double>(done + 1) / static_cast<double>(count(rung));
    heap_.point(static_cast<double>(rung) + (half + part) / 2);
  }

  Report& report_;
  Heap& heap_;
  const std::size_t rung_bytes_;
  void** blocks_;
  void* survivor_ = nullptr;
};

void climb_ladder(Report& report, Heap& heap, std::size_t rung_bytes) {
  Ladder ladder(report, heap, rung_bytes);
  heap.begin("ladder");
  ladder.climb();
  heap.tell_end();
  ladder.free_survivors();
  report.step("all freed");
}

void place_pins(Report& report, Heap& heap) {
  constexpr std::size_t kCount = 3072;
  constexpr std::size_t kLargeBytes = 64 << 10;
  constexpr std::size_t kPinBytes = 1 << 10;
  constexpr std::size_t kStride = kCount * 2 / kPointsCount + 1;
  void** const large = map_table(report, kCount);
  heap.begin("pins");
  for (std::size_t i = 0; i < kCount; ++i) {
    large[i] = heap.make(kLargeBytes);
    heap.make(kPinBytes);
    if (i % kStride == 0) heap.point(static_cast<double>(i));
  }
  report.step("3072 pairs of 64 KiB and 1 KiB were made");
  for (std::size_t i = 0; i < kCount; ++i) {
    heap.release(large[i], kLargeBytes);
    if (i % kStride == 0) heap.point(static_cast<double>(kCount + i));
  }
  report.step("each 64 KiB freed");
  heap.tell_end();
}

/// The text behind `mark` up to the line's end, into `line`; false: the mark is not there.
bool copy_behind(const char* text, const char* mark, char* line, std::size_t capacity) {
  const char* const found = strstr(text, mark);
  if (found == nullptr) return false;
  const char* const begin = found + strlen(mark);
  std::size_t length = strcspn(begin, "\n");
  if (length >= capacity) length = capacity - 1;
  memcpy(line, begin, length);
  line[length] = '\0';
  return true;
}

}  // namespace

/// Arguments: plateau, ladder or pins; of the ladder: MiB made on each rung (30). Tells live_bytes,
/// rss_bytes (its growth) and trimmed_rss_bytes at the end. Curves, over replacements, rungs and
/// blocks: <pattern>_rss_per_live, <pattern>_rss_bytes, <pattern>_live_bytes.
void fragmentation(Report& report, const Arguments& arguments) {
  const char* const pattern = arguments.word(0, "plateau");
  Heap heap(report);
  if (strcmp(pattern, "plateau") == 0) return climb_plateau(report, heap);
  if (strcmp(pattern, "pins") == 0) return place_pins(report, heap);
  if (strcmp(pattern, "ladder") != 0) report.refuse("the pattern", "it is plateau, ladder or pins");
  climb_ladder(report, heap, static_cast<std::size_t>(arguments.number(1, 30)) << 20);
}

/// Argument: MiB made on each rung (4). Runs the ladder of this program under valgrind and tells
/// its words: heap_in_use ("0 bytes in 0 blocks"), leaks, errors_count.
void valgrind_on_ladder(Report& report, const Arguments& arguments) {
  constexpr std::size_t kMostOutputBytes = 1 << 20;
  auto* const output = reinterpret_cast<char*>(map_table(report, kMostOutputBytes / sizeof(void*)));
  char self[4096] = {};
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
    report.refuse("readlink of /proc/self/exe");
  const char* const command[] = {
      "valgrind", "--leak-check=full",    "--vgdb=no", self, "fragmentation",
      "ladder",   arguments.word(0, "4"), nullptr};
  report.step("at the start");
  const Tool tool{.package = "valgrind", .arguments = command, .keeps_errors = true};
  const ToolEnd end = run_tool_or_refuse(report, tool, output, kMostOutputBytes);
  report.step("valgrind ran the ladder, which frees all at its end");
  char line[256];
  if (!end.succeeded() || !copy_behind(output, "ERROR SUMMARY: ", line, sizeof line)) {
    report.refuse("valgrind", "it gave no summary");
  }
  report.value("errors_count", static_cast<std::int64_t>(strtoll(line, nullptr, 10)));
  if (copy_behind(output, "in use at exit: ", line, sizeof line)) report.text("heap_in_use", line);
  if (copy_behind(output, "total heap usage: ", line, sizeof line)) report.text("heap_usage", line);
  report.value("all_freed", strstr(output, "All heap blocks were freed") != nullptr ? 1 : 0);
}

}  // namespace heapwise
