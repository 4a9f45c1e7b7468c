// What mallinfo2 and mallinfo tell of the C library's malloc, against what was done to it.
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/experiment/experiment.h"
#include "bench/experiment/in_fork.h"

namespace heapwise {
namespace {

// A size of its own for the blocks that keep others apart, so that no cache of another serves them.
constexpr std::size_t kSeparatorBytes = 40;
constexpr int kFreedCount = 20;

void* allocate(Report& report, std::size_t size) {
  void* const block = malloc(size);
  if (block == nullptr) report.refuse("malloc");
  return block;
}

/// Blocks of one size, none beside another.
struct Scattered {
  const char* name;
  std::size_t size;
  void* address[kFreedCount];

  void allocate_all(Report& report) {
    for (void*& block : address) {
      block = allocate(report, size);
      allocate(report, kSeparatorBytes);
    }
  }
  void free_all() {
    for (void* const block : address) free(block);
  }
};

void tell(Report& report, const char* group, const char* field, std::size_t after,
          std::size_t before) {
  char name[64];
  snprintf(name, sizeof name, "%s_%s", group, field);
  report.value(name, static_cast<std::int64_t>(after) - static_cast<std::int64_t>(before));
}

/// Frees the group and tells what each of mallinfo2's fields grew by.
void free_and_tell(Report& report, Scattered& group) {
  const struct mallinfo2 before = mallinfo2();
  group.free_all();
  const struct mallinfo2 after = mallinfo2();
  char label[64];
  snprintf(label, sizeof label, "%d blocks of %zu bytes freed", kFreedCount, group.size);
  report.step(label, group.address[0]);
  tell(report, group.name, "smblks_count", after.smblks, before.smblks);
  tell(report, group.name, "fsmblks_bytes", after.fsmblks, before.fsmblks);
  tell(report, group.name, "ordblks_count", after.ordblks, before.ordblks);
  tell(report, group.name, "uordblks_bytes", after.uordblks, before.uordblks);
  tell(report, group.name, "fordblks_bytes", after.fordblks, before.fordblks);
}

/// What mallinfo2 counted when blocks of one size were freed.
struct CountedAs {
  int fast_count;      // in smblks
  int ordinary_count;  // in ordblks
};

CountedAs free_scattered(Report& report, std::size_t size) {
  static Scattered group;
  group.size = size;
  group.allocate_all(report);
  const struct mallinfo2 before = mallinfo2();
  group.free_all();
  const struct mallinfo2 after = mallinfo2();
  return {static_cast<int>(after.smblks) - static_cast<int>(before.smblks),
          static_cast<int>(after.ordblks) - static_cast<int>(before.ordblks)};
}

/// Frees many neighbouring blocks, then asks for one as large as most of them together.
void free_neighbours(Report& report) {
  constexpr int kBlocks = 5000;
  constexpr std::size_t kSize = 40;
  constexpr std::size_t kLargeBytes = 200'000;
  static void* block[kBlocks];
  for (void*& each : block) each = allocate(report, kSize);
  allocate(report, kSize);  // stays, so that nothing is given back to the system
  const std::size_t counted_before = mallinfo2().smblks;
  report.step("5,000 neighbours of 40 bytes allocated", block[0]);
  for (void* const each : block) free(each);
  const struct mallinfo2 freed = mallinfo2();
  report.step("all of them freed");
  void* const large = allocate(report, kLargeBytes);
  const struct mallinfo2 merged = mallinfo2();
  report.step("malloc of 200,000 bytes", large);
  report.value("neighbours_count", kBlocks);
  report.value("neighbours_large_bytes", kLargeBytes);
  report.value("neighbours_smblks_count", freed.smblks - counted_before);
  report.value("neighbours_fsmblks_bytes", freed.fsmblks);
  report.value("neighbours_smblks_after_count", merged.smblks);
  report.value("neighbours_reused", large >= block[0] && large <= block[kBlocks - 1] ? 1 : 0);
}

/// Frees every other of larger blocks, then asks for a large one.
void free_every_other(Report& report) {
  constexpr int kBlocks = 1000;
  constexpr std::size_t kSize = 2000;
  constexpr std::size_t kLargeBytes = 50'000;
  static void* block[kBlocks];
  for (void*& each : block) each = allocate(report, kSize);
  const struct mallinfo2 before = mallinfo2();
  report.step("1,000 blocks of 2,000 bytes allocated", block[0]);
  for (int i = 0; i < kBlocks; i += 2) free(block[i]);
  const struct mallinfo2 freed = mallinfo2();
  report.step("every other of them freed");
  void* const large = allocate(report, kLargeBytes);
  report.step("malloc of 50,000 bytes", large);
  report.value("scattered_large_bytes", kLargeBytes);
  report.value("scattered_ordblks_count", freed.ordblks - before.ordblks);
  report.value("scattered_smblks_count", freed.smblks);
  report.value("scattered_free_bytes", freed.fordblks - freed.keepcost);
  report.value("scattered_reused", large >= block[0] && large <= block[kBlocks - 1] ? 1 : 0);
}

/// What the older mallinfo, with fields of type int, says is mapped.
std::int64_t mapped_bytes_by_mallinfo() {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return mallinfo().hblkhd;
#pragma GCC diagnostic pop
}

}  // namespace

/// Blocks of three sizes, none beside another: small (24 bytes), middle (300), large (3000). Of
/// each size freed_count are freed. Tells what mallinfo2's fields grew by, for each size:
/// small_smblks_count, small_fsmblks_bytes, small_ordblks_count, small_uordblks_bytes,
/// small_fordblks_bytes, and so on.
void free_block_fields(Report& report, const Arguments&) {
  static Scattered groups[] = {{"small", 24, {}}, {"middle", 300, {}}, {"large", 3000, {}}};
  report.step("at the start");
  for (Scattered& group : groups) group.allocate_all(report);
  report.step("20 blocks of each size allocated, with others between them");
  for (Scattered& group : groups) free_and_tell(report, group);
  report.value("freed_count", kFreedCount);
}

/// For sizes from 8 bytes in steps of 16, each in a fork: twenty scattered blocks freed. Tells a
/// curve counted_as: 1 where mallinfo2 counts some of them in smblks, 2 in ordblks, 0 nowhere; a
/// curve cached: how many of them it counts nowhere; and the largest size with each:
/// largest_fast_bytes (of smblks), largest_cached_bytes (counted nowhere); cached_count.
void free_block_ranges(Report& report, const Arguments&) {
  constexpr std::size_t kFirst = 8;
  constexpr std::size_t kLast = 1208;
  constexpr std::size_t kStep = 16;
  std::int64_t largest_fast = 0;
  std::int64_t largest_cached = 0;
  std::int64_t most_cached = 0;
  report.step("at the start");
  for (std::size_t size = kFirst; size <= kLast; size += kStep) {
    const auto counted = in_fork<CountedAs>(report, [&] { return free_scattered(report, size); });
    const int cached = kFreedCount - counted.fast_count - counted.ordinary_count;
    if (counted.fast_count > 0) largest_fast = static_cast<std::int64_t>(size);
    if (cached > 0) largest_cached = static_cast<std::int64_t>(size);
    if (cached > most_cached) most_cached = cached;
    const int field = counted.fast_count > 0 ? 1 : counted.ordinary_count > 0 ? 2 : 0;
    report.point("counted_as", static_cast<double>(size), field);
    report.point("cached", static_cast<double>(size), cached);
  }
  report.step("twenty blocks of each size allocated and freed, each size in a fork");
  report.value("largest_fast_bytes", largest_fast);
  report.value("largest_cached_bytes", largest_cached);
  report.value("cached_count", most_cached);
}

/// First many neighbours freed and then one large malloc, which they serve together
/// (neighbours_count, _smblks_count and _fsmblks_bytes after the frees, _smblks_after_count after
/// the large malloc of _large_bytes, _reused: 1 when it lies where they were); then every other of
/// larger blocks freed (scattered_ordblks_count, _smblks_count, _free_bytes without the top,
/// _large_bytes, _reused).
void fragment_counts(Report& report, const Arguments&) {
  report.step("at the start");
  free_neighbours(report);
  free_every_other(report);
}

/// Argument: GiB in all (3). Takes that much in blocks of 1 GiB, which are mapped and not touched,
/// and tells after the first (below_) and after all (above_): what mallinfo says is mapped
/// (_int_bytes) and what mallinfo2 does (_bytes).
void statistics_overflow(Report& report, const Arguments& arguments) {
  constexpr std::size_t kBlockBytes = std::size_t{1} << 30;
  const std::int64_t blocks_count = arguments.number(0, 3);
  report.step("at the start");
  allocate(report, kBlockBytes);
  report.step("malloc of 1 GiB, not touched");
  report.value("below_int_bytes", mapped_bytes_by_mallinfo());
  report.value("below_bytes", mallinfo2().hblkhd);
  for (std::int64_t i = 1; i < blocks_count; ++i) allocate(report, kBlockBytes);
  report.step("more of them");
  report.value("above_int_bytes", mapped_bytes_by_mallinfo());
  report.value("above_bytes", mallinfo2().hblkhd);
}

}  // namespace heapwise
