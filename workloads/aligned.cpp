// aligned
//
// Models: objects that must begin at a multiple of a power of two: records that must not share a
// cache line with another thread's, operands of vector instructions, buffers for direct input and
// output. A set of them is replaced one by one in no order. Sizes are log-uniform.
//
// Does not model: one large aligned pool that a program cuts up by itself, C++'s `new` of
// over-aligned types, aligned objects among many that are not, threads.
//
// Parameters and their source: 64 bytes is a cache line of most processors of today; 4096, a page,
// is what direct input and output asks for. A power of two from a pointer's size on is what
// posix_memalign(3) takes. Live set and sizes are small_churn's.
//
// How to read the result: small_churn with the same parameters is the same cell by malloc. What an
// operation takes here beyond it is the way of aligned requests, which often leaves the allocator's
// fast path; RSS growth beyond that cell's is what alignment wastes: sizes rounded up to its
// multiples, or gaps where objects are cut out of larger ones. With a page's alignment each object
// touches a page of its own, whoever allocates it.

#include <algorithm>
#include <bit>

#include "workloads/small_objects.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kLargestAlignment = 2 << 20;

constexpr ParameterDescriptor kParameters[] = {
    {"alignment", ParameterUnit::kBytes, 64, sizeof(void*), kLargestAlignment,
     "power of two at whose multiples objects begin"},
    small_objects::kLive,
    small_objects::kMin,
    small_objects::kMax,
    small_objects::kWarmUp,
    {"operations", ParameterUnit::kCount, 1'000'000, 1, 1'000'000'000'000, "operations measured"},
};

class AlignedAndFree : public MallocAndFree {
 public:
  explicit AlignedAndFree(const Parameters& parameters)
      : MallocAndFree(parameters), alignment_(parameters.at("alignment")) {}

  template <HeapUnderTest Heap>
  void* make(Heap& heap, std::size_t size) const {
    return heap.allocate_aligned(alignment_, size);
  }

 private:
  std::size_t alignment_;
};

std::string reject(const Parameters& parameters) {
  const auto alignment = parameters.at("alignment");
  if (std::has_single_bit(alignment)) return reject_inverted_sizes(parameters);
  return "alignment " + format_scaled(alignment) + " is not a power of two; give " +
         format_scaled(std::bit_floor(alignment)) + " or " +
         format_scaled(std::bit_ceil(alignment));
}

// What lies between two objects is touched where it shares a page with one of them.
Bytes footprint(const Parameters& parameters) {
  const auto gap = std::min<std::uint64_t>(parameters.at("alignment"), kTouchStride);
  return replacement_footprint(small_objects::plan(parameters)) +
         Bytes{parameters.at("live") * gap};
}

}  // namespace

extern const WorkloadDescriptor kAligned;
constinit const WorkloadDescriptor kAligned =
    describe_replacement<small_objects::plan, AlignedAndFree>({
        .name = "aligned",
        .family = Family::kFastPath,
        .models = "small_churn by posix_memalign: small objects at multiples of a power of two",
        .does_not_model = "aligned objects among others, aligned pools, threads",
        .parameters = kParameters,
        .footprint = footprint,
        .reject = reject,
    });

}  // namespace heapwise
