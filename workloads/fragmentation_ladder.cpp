// fragmentation_ladder
//
// Models: the worst that rising sizes do to a heap: programs whose records, tables and buffers get
// larger the longer they run, while a few of the earlier ones stay. Each rung of the ladder makes
// `round` bytes of one size and frees all of them but an even `survivors` per cent; the next size
// is `factor` times as large, so that it does not fit between two survivors of the last:
//
//     rung 0   |s........|s........|s........|            s survives, . is freed
//     rung 1   |S                  .                   .      does not fit into the holes above
//
// It is the pattern behind the lower bound on the memory that any allocator needs which cannot move
// objects (Robson, "Bounds for some functions concerning dynamic storage allocation", Journal of
// the ACM 21(3), 1974), in a simple form that does not look at addresses.
//
// Does not model: what programs do on average (fragmentation_plateau), sizes that shrink, objects
// that are freed in another order than they were made in, threads.
//
// Parameters and their source: the suite's own choice. Where one in ten survives, nine objects and
// their headers lie between two: in glibc 9 x 80 bytes where 64 were asked for, so that 12 is the
// smallest factor that does not fit. 64 bytes x 12 x 12 x 12 is 108K, still below glibc's first
// mmap threshold (128K, mallopt(3)), beyond which objects leave no holes. A `factor` below 100 /
// `survivors` lets the holes be used again, which is another experiment.
//
// How to read the result: a tenth of what a ladder made is alive at its end. An allocator that
// neither reuses the holes nor gives them back ends at RSS over live bytes of 10 and what headers
// add; what is missing there, it has reused for another size or given back to the system. Each
// point of the timeline is the end of a ladder; the pass fragmentation asks for the holes:
// unreturned is what it could have given back, external is what survivors pin.
//
// An operation is one object, made with a write into each page. One batch is a whole ladder, and
// operations are rounded up to whole ones; a ladder begins by freeing the survivors of the one
// before. Nothing is warmed up: the first ladder climbs on a fresh heap.

#include <algorithm>

#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kPerCent = 100;

constexpr ParameterDescriptor kParameters[] = {
    {"round", ParameterUnit::kBytes, 8 << 20, 64 << 10, 1ULL << 36, "bytes made on each rung"},
    {"smallest", ParameterUnit::kBytes, 64, 1, 1 << 20, "size on the first rung"},
    {"largest", ParameterUnit::kBytes, 128 << 10, 1, 1 << 30, "no rung has a larger size"},
    {"factor", ParameterUnit::kCount, 12, 2, 1024, "each size over the one before"},
    {"survivors", ParameterUnit::kCount, 10, 1, 100, "per cent of a rung's objects that stay"},
    {"operations", ParameterUnit::kCount, 700'000, 1, 1'000'000'000'000,
     "objects measured, rounded up to whole ladders"},
};

struct Rung {
  std::uint64_t size;
  std::uint64_t objects_count;
  std::uint64_t survivors_count;
};

std::vector<Rung> rungs_of(const Parameters& parameters) {
  std::vector<Rung> rungs;
  for (auto size = parameters.at("smallest"); size <= parameters.at("largest");
       size *= parameters.at("factor")) {
    const auto objects = parameters.at("round") / size;
    rungs.push_back({.size = size,
                     .objects_count = objects,
                     .survivors_count = objects * parameters.at("survivors") / kPerCent});
  }
  return rungs;
}

template <class Count>
std::uint64_t sum_over(const std::vector<Rung>& rungs, Count count) {
  std::uint64_t sum = 0;
  for (const auto& rung : rungs) sum += count(rung);
  return sum;
}

std::uint64_t objects_of(const std::vector<Rung>& rungs) {
  return sum_over(rungs, [](const Rung& rung) { return rung.objects_count; });
}
std::uint64_t survivors_of(const std::vector<Rung>& rungs) {
  return sum_over(rungs, [](const Rung& rung) { return rung.survivors_count; });
}

template <HeapUnderTest Heap>
class FragmentationLadder final : public Workload {
 public:
  FragmentationLadder(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heap_(&capabilities.heaps.front()),
        survivors_per_cent_(parameters.at("survivors")),
        rungs_(rungs_of(parameters)),
        requested_by_a_ladder_(
            sum_over(rungs_, [](const Rung& rung) { return rung.objects_count * rung.size; })),
        survivor_bytes_(
            sum_over(rungs_, [](const Rung& rung) { return rung.survivors_count * rung.size; })),
        rung_objects_(rungs_.front().objects_count),
        survivors_(survivors_of(rungs_)) {}

  void warm_up() override {}

  void prepare_batch() override {
    const auto objects = objects_of(rungs_);
    demand_.operations_count += objects;
    demand_.heap_calls_count += live_count_ + objects + (objects - survivors_.size());
    demand_.requested_bytes += requested_by_a_ladder_;
  }

  void run_batch() override {
    free_survivors();
    for (const auto& rung : rungs_) climb(rung);
  }

  void drain() override {
    demand_.heap_calls_count += live_count_;
    free_survivors();
  }

  void visit_live(const LiveVisitor& visit) const override {
    if (live_count_ == 0) return;
    auto survivor = survivors_.begin();
    for (const auto& rung : rungs_) {
      for (std::uint64_t i = 0; i < rung.survivors_count; ++i) visit(*survivor++, rung.size);
    }
  }

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override {
    return {demand_.operations_count, live_count_ == 0 ? 0 : survivor_bytes_};
  }
  Bytes table_bytes() const override {
    return {(rung_objects_.size() + survivors_.size()) * sizeof(void*)};
  }

 private:
  /// Makes a rung and frees it but for its survivors, the last object of each group.
  void climb(const Rung& rung) {
    void** const end = rung_objects_.data() + rung.objects_count;
    for (void** object = rung_objects_.data(); object != end; ++object) {
      *object = heap_->allocate(rung.size);
      heap_->first_write(*object, rung.size, Touch::kEveryPage);
    }
    std::uint64_t credit = 0;
    for (void** object = rung_objects_.data(); object != end; ++object) {
      credit += survivors_per_cent_;
      if (credit < kPerCent) {
        heap_->free(*object);
      } else {
        credit -= kPerCent;
        survivors_[live_count_++] = *object;
      }
    }
  }

  void free_survivors() {
    for (std::size_t i = 0; i < live_count_; ++i) heap_->free(survivors_[i]);
    live_count_ = 0;
  }

  Heap* heap_;
  std::uint64_t survivors_per_cent_;
  std::vector<Rung> rungs_;
  std::uint64_t requested_by_a_ladder_;
  std::uint64_t survivor_bytes_;
  std::vector<void*> rung_objects_;  // of one rung at a time; the first has the most
  std::vector<void*> survivors_;     // of a ladder, rung by rung
  std::size_t live_count_ = 0;       // of survivors_: none, or all between two batches
  HeapDemand demand_;
};

std::uint64_t operations_per_batch(const Parameters& parameters) {
  return objects_of(rungs_of(parameters));
}

// Where no hole is used again, all that a ladder makes stays resident.
Bytes footprint(const Parameters& parameters) {
  const auto rungs = rungs_of(parameters);
  return {rungs.size() * parameters.at("round") +
          (rungs.front().objects_count + survivors_of(rungs)) * sizeof(void*)};
}

std::string reject(const Parameters& parameters) {
  const auto smallest = parameters.at("smallest");
  const auto largest = parameters.at("largest");
  if (largest < smallest * parameters.at("factor")) {
    return "largest " + format_scaled(largest) + " is below smallest " + format_scaled(smallest) +
           " x factor, so there is one rung; set a larger largest or a smaller factor";
  }
  const auto rungs = rungs_of(parameters);
  if (rungs.back().survivors_count == 0) {
    return "round " + format_scaled(parameters.at("round")) + " holds " +
           std::to_string(rungs.back().objects_count) + " objects of " +
           format_scaled(rungs.back().size) +
           ", of which none survives; set a larger round or more survivors";
  }
  return {};
}

}  // namespace

extern const WorkloadDescriptor kFragmentationLadder;
constinit const WorkloadDescriptor kFragmentationLadder = describe<FragmentationLadder>({
    .name = "fragmentation_ladder",
    .family = Family::kMemory,
    .models = "a ladder of rising sizes: few objects of each survive, too close for the next size",
    .does_not_model = "what programs do on average, sizes that shrink, threads",
    .parameters = kParameters,
    .shows_live_objects = true,
    .only_memory = true,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
    .reject = reject,
});

}  // namespace heapwise
