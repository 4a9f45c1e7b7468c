// Programs that take memory and let it go, round after round: where their page faults come from
// when no block is mapped, and how a pool avoids them.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "bench/experiment/experiment.h"
#include "bench/experiment/usage.h"

namespace heapwise {
namespace {

constexpr std::int64_t kMostBlocks = 4096;
constexpr int kRounds = 10;

struct Blocks {
  void* address[kMostBlocks];
  std::int64_t count;
  std::size_t size;
};

/// Whether the address is in the memory that brk has given since `heap_begin`.
bool is_in_heap(const void* address, std::int64_t heap_begin) {
  const auto at = reinterpret_cast<std::int64_t>(address);
  return at >= heap_begin && at < reinterpret_cast<std::int64_t>(sbrk(0));
}

void fill(Report& report, Blocks& blocks) {
  for (std::int64_t i = 0; i < blocks.count; ++i) {
    blocks.address[i] = malloc(blocks.size);
    if (blocks.address[i] == nullptr) report.refuse("malloc of that size");
    memset(blocks.address[i], 1, blocks.size);
  }
}

void empty(Blocks& blocks) {
  for (std::int64_t i = 0; i < blocks.count; ++i) free(blocks.address[i]);
}

std::int64_t count_mapped(const Blocks& blocks, std::int64_t heap_begin) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < blocks.count; ++i) {
    count += is_in_heap(blocks.address[i], heap_begin) ? 0 : 1;
  }
  return count;
}

/// The minor faults of so many rounds, after one that is not counted.
std::int64_t run_rounds(Report& report, Blocks& blocks) {
  fill(report, blocks);
  empty(blocks);
  const Usage before = read_usage();
  for (int round = 0; round < kRounds; ++round) {
    fill(report, blocks);
    empty(blocks);
  }
  return (read_usage() - before).minor_faults_count;
}

/// Blocks of one size out of one piece of memory; what is given back is given out next.
class FixedPool {
 public:
  static constexpr int kBlocks = 8;

  FixedPool(void* memory, std::size_t block_size) {
    for (int i = 0; i < kBlocks; ++i) {
      free_[count_++] = static_cast<char*>(memory) + static_cast<std::size_t>(i) * block_size;
    }
  }
  /// nullptr: all are taken.
  void* take() { return count_ == 0 ? nullptr : free_[--count_]; }
  void give_back(void* block) { free_[count_++] = block; }

 private:
  void* free_[kBlocks];
  int count_ = 0;
};

void touch_one(FixedPool& pool, std::size_t size) {
  const auto page_bytes = static_cast<std::size_t>(getpagesize());
  void* const block = pool.take();
  auto* const bytes = static_cast<volatile char*>(block);
  for (std::size_t at = 0; at < size; at += page_bytes) bytes[at] = 1;
  pool.give_back(block);
}

}  // namespace

/// Arguments: blocks of a round (1000) and their size (1000). Allocates and fills them all, then
/// frees them all, ten times. Tells: rounds_count, blocks_count, size_bytes, mapped_count (of a
/// round's blocks, those outside the brk heap), faults_count (minor, of all rounds), and
/// pinned_faults_count, of ten more rounds with one small block alive above them.
void heap_rounds(Report& report, const Arguments& arguments) {
  static Blocks blocks;
  memset(blocks.address, 1, sizeof blocks.address);  // its faults come before
  blocks.count = std::min(arguments.number(0, 1000), kMostBlocks);
  blocks.size = static_cast<std::size_t>(arguments.number(1, 1000));
  read_usage();  // its first call has a fault of its own
  const std::int64_t heap_begin = report.step("at the start").brk;
  fill(report, blocks);
  report.step("all blocks of a round allocated and filled", blocks.address[0]);
  const std::int64_t mapped_count = count_mapped(blocks, heap_begin);
  empty(blocks);
  report.step("all freed");
  const std::int64_t faults_count = run_rounds(report, blocks);
  report.step("more rounds of the same");
  fill(report, blocks);
  void* const pin = malloc(blocks.size);
  empty(blocks);
  const std::int64_t pinned_faults_count = run_rounds(report, blocks);
  report.step("more rounds, below a block that stays", pin);
  report.value("rounds_count", kRounds);
  report.value("blocks_count", blocks.count);
  report.value("size_bytes", blocks.size);
  report.value("mapped_count", mapped_count);
  report.value("faults_count", faults_count);
  report.value("pinned_faults_count", pinned_faults_count);
}

/// Arguments: the blocks' size (1 MiB), operations (100). The same as block_churn does, out of a
/// pool of eight blocks in one malloc. Tells: size_bytes, first_faults_count (minor, of the first
/// operation), operations_count, minor_faults_count (of these, after it).
void pool_churn(Report& report, const Arguments& arguments) {
  const auto size = static_cast<std::size_t>(arguments.number(0, 1 << 20));
  const std::int64_t operations_count = arguments.number(1, 100);
  read_usage();  // its first call has a fault of its own
  report.step("at the start");
  void* const memory = malloc(size * FixedPool::kBlocks);
  if (memory == nullptr) report.refuse("malloc of the pool");
  const ProcessState made = report.step("malloc of a pool for eight blocks", memory);
  FixedPool pool(memory, size);
  touch_one(pool, size);
  const ProcessState first = report.step("a block taken, each page written, given back");
  const Usage before = read_usage();
  for (std::int64_t i = 0; i < operations_count; ++i) touch_one(pool, size);
  const std::int64_t faults_count = (read_usage() - before).minor_faults_count;
  report.step("many times the same");
  report.value("size_bytes", size);
  report.value("first_faults_count", first.minor_faults_count - made.minor_faults_count);
  report.value("operations_count", operations_count);
  report.value("minor_faults_count", faults_count);
}

}  // namespace heapwise
