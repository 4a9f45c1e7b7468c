// calloc_zeroing
//
// Models: buffers and tables that a program asks to be zero: hash tables, bit maps, images, pages
// of a database's cache. A set of them is replaced one by one in no order, and one byte of each
// page is written, so that memory which is used again is dirty and must be zeroed; memory fresh
// from the system is zero already.
//
// Does not model: sparse tables of which most pages are never touched (there a mapping saves the
// pages too), many small records, reading of the zeros, threads.
//
// Parameters and their source: the suite's own choice: 1K to 256K log-uniform has sizes on both
// sides of the mmap threshold at which the C library begins (128K, mallopt(3)), from where on fresh
// memory is to be had for each object.
//
// How to read the result: `large_churn:min=1K,max=256K,window=LIVE` is the same cell by malloc.
// What an operation takes here beyond it is zeroing, 46K on average: none for an allocator that
// maps fresh memory each time, which has it done by the system instead, a minor fault a page; once
// over the object for one that uses memory again; and for one that does not know the difference,
// both.

#include "workloads/random_replacement.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kLargest = 1ULL << 31;

constexpr ParameterDescriptor kParameters[] = {
    {"live", ParameterUnit::kCount, 500, 1, 1'000'000, "buffers alive at any time"},
    {"min", ParameterUnit::kBytes, 1 << 10, 1, kLargest, "smallest size"},
    {"max", ParameterUnit::kBytes, 256 << 10, 1, kLargest, "largest size"},
    {"warmup", ParameterUnit::kCount, 0, 0, 1'000'000'000,
     "operations before the region; 0: 8 x live"},
    {"operations", ParameterUnit::kCount, 20'000, 1, 1'000'000'000'000, "operations measured"},
};

struct CallocAndFree : MallocAndFree {
  using MallocAndFree::MallocAndFree;

  template <HeapUnderTest Heap>
  void* make(Heap& heap, std::size_t size) const {
    return heap.allocate_zeroed(size);
  }
};

ReplacementPlan plan(const Parameters& parameters) {
  const auto live = parameters.at("live");
  const auto warm_up = parameters.at("warmup");
  return {.slots_count = live,
          .minimum_size = parameters.at("min"),
          .maximum_size = parameters.at("max"),
          .warm_up_operations = warm_up != 0 ? warm_up : 8 * live,
          .operations_per_batch = 64,
          .touch = Touch::kEveryPage};
}

}  // namespace

extern const WorkloadDescriptor kCallocZeroing;
constinit const WorkloadDescriptor kCallocZeroing = describe_replacement<plan, CallocAndFree>({
    .name = "calloc_zeroing",
    .family = Family::kFastPath,
    .models = "buffers from calloc, every page written, replaced one by one in random order",
    .does_not_model = "tables that stay mostly untouched, small records, threads",
    .parameters = kParameters,
});

}  // namespace heapwise
