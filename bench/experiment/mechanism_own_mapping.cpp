// From which size on a request gets a mapping of its own, seen from outside: VSZ grows by about the
// size with malloc and shrinks by it with free, though its neighbours live. Where an allocator
// keeps some freed mappings for the next request, that shows only when many are freed.
#include <stdlib.h>

#include <algorithm>

#include "bench/experiment/bisection.h"
#include "bench/experiment/experiment.h"
#include "bench/experiment/own_memory.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr std::size_t kSmallest = std::size_t{1} << 10;
constexpr std::size_t kLargest = std::size_t{1} << 30;
constexpr std::size_t kManyBytes = std::size_t{32} << 30;  // of addresses; nothing is written to
constexpr std::size_t kMostObjects = 256;
constexpr std::size_t kFewestObjects = 32;
// Headers, guards, alignment to huge pages.
constexpr std::int64_t kMostBeside = std::int64_t{2} << 20;

/// What one try in a fork saw.
struct Probe {
  bool was_given = false;
  bool has_own_mapping = false;
  std::int64_t malloc_vsz_bytes = 0;  // of an object
  std::int64_t free_vsz_bytes = 0;
};

/// Of many one or two may have been served by what was left over.
bool is_about(std::int64_t growth, std::size_t size) {
  const auto asked = static_cast<std::int64_t>(size);
  return growth >= asked - asked / 16 && growth <= asked + asked / 4 + kMostBeside;
}

/// Of three objects the one in the middle is freed: what neither end of a heap does to it.
void free_one(std::size_t size, Probe& probe) {
  void* const first = unknown(malloc(size));
  const std::int64_t before = read_vsz_bytes();
  void* const second = unknown(malloc(size));
  const std::int64_t with_second = read_vsz_bytes();
  void* const third = unknown(malloc(size));
  const std::int64_t with_third = read_vsz_bytes();
  probe.was_given = first != nullptr && second != nullptr && third != nullptr;
  if (!probe.was_given) return;
  const void* const inside = static_cast<char*>(second) + size / 2;
  free(second);
  probe.malloc_vsz_bytes = with_second - before;
  probe.free_vsz_bytes = read_vsz_bytes() - with_third;
  probe.has_own_mapping = is_about(probe.malloc_vsz_bytes, size) &&
                          is_about(with_third - with_second, size) &&
                          is_about(-probe.free_vsz_bytes, size) && !is_mapped(inside);
}

/// Of many objects every second one is freed: no end of a heap is free, and no small cache can hold
/// them. Most must go. What the first malloc brings along or finds left over is not counted.
void free_many(std::size_t size, Probe& probe) {
  static void* objects[kMostObjects];
  const std::size_t count = std::clamp(kManyBytes / size, kFewestObjects, kMostObjects);
  std::int64_t before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i == 1) before = read_vsz_bytes();
    objects[i] = unknown(malloc(size));
    if (objects[i] == nullptr) return;
  }
  probe.was_given = true;
  const std::int64_t with_all = read_vsz_bytes();
  for (std::size_t i = 1; i < count; i += 2) free(objects[i]);
  const auto objects_count = static_cast<std::int64_t>(count);
  probe.malloc_vsz_bytes = (with_all - before) / (objects_count - 1);
  probe.free_vsz_bytes = (read_vsz_bytes() - with_all) / (objects_count / 2);
  probe.has_own_mapping = is_about(probe.malloc_vsz_bytes, size) &&
                          -probe.free_vsz_bytes > static_cast<std::int64_t>(size / 2);
}

using Try = void (*)(std::size_t size, Probe& probe);

/// Tries sizes, each in a fork that first mallocs and frees a block of `freed_before`; 0: none.
class Search {
 public:
  Search(Probe& shared, std::size_t freed_before) : shared_(shared), freed_before_(freed_before) {}

  const Probe& probe(Try one, std::size_t size) {
    const auto act = [&] {
      if (freed_before_ > 0) free(unknown(malloc(freed_before_)));
      one(size, shared_);
    };
    shared_ = {};
    if (!try_in_fork(act).ended_well()) shared_ = {};
    return shared_;
  }

  /// The largest power of two up to kLargest of which many are given; 0: not even of the smallest.
  std::size_t largest_given() {
    for (std::size_t size = kLargest; size >= kSmallest; size /= 2) {
      if (probe(free_many, size).was_given) return size;
    }
    return 0;
  }

  /// The least size from which on all powers of two up to `largest` have a mapping of their own, to
  /// the byte; 0: none.
  std::size_t threshold(Try one, std::size_t largest) {
    std::size_t fits = 0;
    std::size_t fails = kSmallest - 1;
    for (std::size_t size = largest; size >= kSmallest; size /= 2) {
      if (!probe(one, size).has_own_mapping) {
        fails = size;
        break;
      }
      fits = size;
    }
    if (fits == 0) return 0;
    const auto has_none = [&](std::size_t size) { return !probe(one, size).has_own_mapping; };
    return last_true(fails, fits, has_none) + 1;
  }

 private:
  Probe& shared_;
  std::size_t freed_before_;
};

/// A block well above the threshold, if there is one.
std::size_t large_block(std::size_t threshold) {
  constexpr std::size_t kMib = std::size_t{1} << 20;
  constexpr std::size_t kUsual = 4 * kMib;
  constexpr std::size_t kTimes = 4;
  const std::size_t large = (threshold * kTimes + kMib - 1) / kMib * kMib;
  return large > kUsual && large <= kLargest ? large : kUsual;
}

}  // namespace

/// Tells largest_given_bytes, up to which was looked; own_mapping_from_bytes, the least size that
/// is mapped by malloc and, of many, mostly unmapped by free; unmapped_at_once_from_bytes, the
/// least of which already the first free unmaps; 0: none. malloc_vsz_bytes and free_vsz_bytes, how
/// VSZ moved with an object of many of the former size. The same two sizes as ..._after_free where
/// freed_large_bytes were allocated and freed before. Every size is tried in forks of its own.
void mechanism_own_mapping(Report& report, const Arguments&) {
  auto& shared = *static_cast<Probe*>(shared_memory(report, sizeof(Probe)));
  report.step("at the start");
  Search fresh(shared, 0);
  const std::size_t largest = fresh.largest_given();
  const std::size_t own = fresh.threshold(free_many, largest);
  report.value("largest_given_bytes", largest);
  report.value("own_mapping_from_bytes", own);
  report.value("unmapped_at_once_from_bytes", fresh.threshold(free_one, largest));
  report.step("objects of a size allocated, some freed, by bisection in forks");
  if (own > 0) {
    const Probe& at = fresh.probe(free_many, own);
    report.value("malloc_vsz_bytes", at.malloc_vsz_bytes);
    report.value("free_vsz_bytes", at.free_vsz_bytes);
  }
  const std::size_t large = large_block(own);
  Search later(shared, large);
  report.value("freed_large_bytes", large);
  report.value("own_mapping_from_bytes_after_free", later.threshold(free_many, largest));
  report.value("unmapped_at_once_from_bytes_after_free", later.threshold(free_one, largest));
  report.step("the same, each after malloc and free of a large block");
}

}  // namespace heapwise
