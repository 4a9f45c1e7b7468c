// sized_delete
//
// Models: small_churn as a C++ program has it: objects are made by operator new and freed by the
// operator delete that is told their size (C++14; GCC's default where it knows the type), the
// allocator's own where it brings them.
//
// Does not model: objects that are freed without their size, operators with an alignment, classes
// with operators of their own, constructors, threads.
//
// Parameters and their source: small_churn's.
//
// How to read the result: small_churn with the same parameters is the same cell by malloc and free,
// in the same order. An allocator with operators of its own can save the search for an object's
// size; how much of that is in its malloc and free already, the two cells tell together. Without
// operators of its own the C++ library's stand in between, which call malloc and free: the
// difference is their cost.

#include "workloads/small_objects.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {small_objects::kLive, small_objects::kMin,
                                               small_objects::kMax, small_objects::kWarmUp,
                                               small_objects::kOperations};

struct NewAndSizedDelete {
  static constexpr bool kFreesBySize = true;

  explicit NewAndSizedDelete(const Parameters&) {}

  template <HeapUnderTest Heap>
  void* make(Heap& heap, std::size_t size) const {
    return heap.operator_new(size);
  }
  template <HeapUnderTest Heap>
  void free(Heap& heap, void* object, std::size_t size) const {
    heap.operator_delete(object, size);
  }
};

}  // namespace

extern const WorkloadDescriptor kSizedDelete;
constinit const WorkloadDescriptor kSizedDelete =
    describe_replacement<small_objects::plan, NewAndSizedDelete>({
        .name = "sized_delete",
        .family = Family::kFastPath,
        .models = "small_churn by operator new and the operator delete that is told the size",
        .does_not_model = "deletes without a size, over-aligned types, constructors, threads",
        .parameters = kParameters,
    });

}  // namespace heapwise
