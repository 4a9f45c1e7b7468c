// realloc_growth
//
// Models: buffers that are grown by realloc while they are filled, because nobody knows beforehand
// how long they get: string builders, vectors of C programs, readers of files and sockets. Every
// page of what was added is written. A buffer grows by a factor or by a step, up to `max`, and is
// freed; then the next one begins. Several buffers grow in turn and lie in each other's way. With
// `shrink=1` a full buffer is emptied again, as a stack is, and realloc is told at each step.
//
// Does not model: reading of what is kept, other objects made in between, buffers that end at half
// their size, containers that allocate anew and copy by themselves (std::vector), threads.
//
// Parameters and their source: x 1.5 is the step of git's ALLOC_GROW, which grows by realloc;
// CPython's list takes 1.125 (`factor=113`), most doubling strings 2. 4K to 256M is this suite's
// own choice: from a page to far beyond every size class and glibc's largest dynamic mmap
// threshold (32M, mallopt(3)). A step of 64K stands for a reader that appends what it has read.
// Shrinking by the steps of the growth is the suite's own choice; CPython's list, for one, shrinks
// by realloc once less than half of it is used.
//
// How to read the result: an operation is one realloc with the writing of what was added; the
// malloc at a growth's start and the free at its end are spread over its reallocs (28 of them by
// default, 56 with `shrink=1`). The latency pass has no name of its own for realloc: it is among
// `allocate`. Who copies pays twice, in time and, while old and new are both there, in memory: peak
// RSS is 1.7 x max where each growth by 1.5 is copied, and max where the pages are moved (mremap)
// or the buffer grows in place. Who shrinks in place writes nothing, and pays a system call where
// it gives pages back, which the next growth faults in again; who moves to a smaller place copies
// once more. Nothing is live at a slice's end, so RSS there is what is retained. A checked run
// reads the whole buffer at every realloc: `step` makes that quadratic.

#include <algorithm>
#include <cstddef>

#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kLargest = 1ULL << 36;
constexpr std::uint64_t kMostReallocs = 1 << 20;  // of one growth: a table of as many sizes

constexpr ParameterDescriptor kParameters[] = {
    {"buffers", ParameterUnit::kCount, 1, 1, 1024, "buffers that grow in turn"},
    {"start", ParameterUnit::kBytes, 4 << 10, 1, kLargest, "size of a fresh buffer"},
    {"factor", ParameterUnit::kCount, 150, 101, 1'000, "each size in per cent of the one before"},
    {"step", ParameterUnit::kBytes, 0, 0, kLargest, "bytes added each time instead; 0: factor"},
    {"max", ParameterUnit::kBytes, 256 << 20, 2, kLargest, "size of a full buffer"},
    {"shrink", ParameterUnit::kCount, 0, 0, 1,
     "1: a full buffer goes back to start by the same sizes; 0: it is freed at once"},
    {"operations", ParameterUnit::kCount, 280, 1, 1'000'000'000'000, "reallocs measured"},
};

/// The sizes of one growth, from `start` to `max`; of a growth too long, the first ones.
std::vector<std::uint64_t> sizes_of_growth(const Parameters& parameters) {
  const auto step = parameters.at("step");
  const auto max = parameters.at("max");
  std::vector<std::uint64_t> sizes{parameters.at("start")};
  while (sizes.back() < max && sizes.size() <= kMostReallocs + 1) {
    const auto size = sizes.back();
    const auto next = step != 0 ? size + step : size * parameters.at("factor") / 100;
    sizes.push_back(std::min(max, std::max(next, size + 1)));
  }
  return sizes;
}

std::string reject(const Parameters& parameters) {
  const auto start = parameters.at("start");
  const auto max = parameters.at("max");
  if (start >= max) {
    return "start " + format_scaled(start) + " is not below max " + format_scaled(max) +
           "; nothing would grow; set a smaller start or a larger max";
  }
  if (sizes_of_growth(parameters).size() > kMostReallocs + 1) {
    return "one growth has more than " + format_scaled(kMostReallocs) +
           " reallocs; set a larger step or factor, or a smaller max";
  }
  return {};
}

/// The sizes of a buffer's life, from malloc over every realloc.
std::vector<std::uint64_t> sizes_of_buffer(const Parameters& parameters) {
  auto sizes = sizes_of_growth(parameters);
  if (parameters.at("shrink") == 0) return sizes;
  for (std::size_t i = sizes.size() - 1; i > 0; --i) sizes.push_back(sizes[i - 1]);
  return sizes;
}

// One batch is one life of every buffer.
std::uint64_t operations_per_batch(const Parameters& parameters) {
  return (sizes_of_buffer(parameters).size() - 1) * parameters.at("buffers");
}

template <HeapUnderTest Heap>
class ReallocGrowth final : public Workload {
 public:
  ReallocGrowth(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heap_(&capabilities.heaps.front()),
        sizes_(sizes_of_buffer(parameters)),
        buffers_(parameters.at("buffers")) {
    for (const auto size : sizes_) requested_for_a_buffer_ += size;
  }

  // The first batch also teaches an allocator that adapts.
  void warm_up() override {
    prepare_batch();
    run_batch();
  }

  void prepare_batch() override {
    const std::uint64_t buffers = buffers_.size();
    demand_.operations_count += buffers * (sizes_.size() - 1);
    demand_.heap_calls_count += buffers * (sizes_.size() + 1);
    demand_.requested_bytes += buffers * requested_for_a_buffer_;
  }

  void run_batch() override {
    for (auto& buffer : buffers_) {
      buffer = heap_->allocate(sizes_.front());
      heap_->first_write(buffer, sizes_.front(), Touch::kEveryPage);
    }
    for (std::size_t i = 1; i < sizes_.size(); ++i) {
      for (auto& buffer : buffers_) buffer = resize(buffer, sizes_[i - 1], sizes_[i]);
    }
    for (auto& buffer : buffers_) heap_->free(buffer);
  }

  void drain() override {}  // a batch ends when the last buffer has been freed

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return {demand_.operations_count, 0}; }
  Bytes table_bytes() const override {
    return {sizes_.size() * sizeof(std::uint64_t) + buffers_.size() * sizeof(void*)};
  }

 private:
  void* resize(void* buffer, std::uint64_t from, std::uint64_t to) {
    void* resized = heap_->reallocate(buffer, to);
    if (to > from) {
      heap_->first_write(static_cast<std::byte*>(resized) + from, to - from, Touch::kEveryPage);
    }
    return resized;
  }

  Heap* heap_;
  std::vector<std::uint64_t> sizes_;  // start, …, max, and back if it shrinks
  std::vector<void*> buffers_;
  std::uint64_t requested_for_a_buffer_ = 0;
  HeapDemand demand_;
};

// A buffer that is copied is there twice.
Bytes footprint(const Parameters& parameters) {
  return {(parameters.at("buffers") + 1) * parameters.at("max")};
}

}  // namespace

extern const WorkloadDescriptor kReallocGrowth;
constinit const WorkloadDescriptor kReallocGrowth = describe<ReallocGrowth>({
    .name = "realloc_growth",
    .family = Family::kFastPath,
    .models = "buffers grown by realloc while they are filled, then freed, or shrunk back before",
    .does_not_model = "reading of what is kept, other objects in between, threads",
    .parameters = kParameters,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
    .reject = reject,
});

}  // namespace heapwise
