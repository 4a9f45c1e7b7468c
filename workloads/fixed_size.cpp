// fixed_size
//
// Models: the shortest way through an allocator: a batch of objects of one size is made, one after
// the other, and then freed, again and again. The order of the frees is that of a stack (lifo), of
// a queue (fifo), or none (random): nodes of a tree that is built and torn down, frames of a
// recursion, events that are handled in turn.
//
// Does not model: other sizes in between, objects that outlive their batch, use of what is in the
// objects, threads.
//
// Parameters and their source: the suite's own choice. 64 bytes are a cache line and a usual node.
// A batch that fits into every thread cache and one far above all of them ask different questions:
// the length of the fast path (`batch=7`, what glibc 2.36 keeps of a size), and what filling and
// emptying a thread cache costs (`batch=100K`). 1000 lies between.
//
// How to read the result: an operation is one malloc, the write of its first byte, and one free.
// What is freed last is handed out first by most allocators: after lifo the next batch lies as the
// one before, after fifo in reverse, and after random anywhere, so that neither the allocator's
// list of free objects nor the writes go through memory in a line any more. The loop is the same
// for all orders. Nothing is live between batches; who keeps a list of free objects inside them
// touches each once more than who keeps it apart.

#include <algorithm>
#include <span>

#include "workloads/table.h"

namespace heapwise {
namespace {

// The clock is read around as many operations at least.
constexpr std::uint64_t kFewestOperationsPerBatch = 2048;

enum Order : std::uint64_t { kLifo, kFifo, kRandom };
constexpr std::string_view kOrders[] = {"lifo", "fifo", "random"};

constexpr ParameterDescriptor kParameters[] = {
    {"size", ParameterUnit::kBytes, 64, 1, 1 << 30, "size of every object"},
    {"batch", ParameterUnit::kCount, 1000, 1, 1 << 24, "objects made before the first is freed"},
    choice("order", kOrders, "order in which a batch is freed"),
    {"operations", ParameterUnit::kCount, 8'000'000, 1, 1'000'000'000'000,
     "objects made and freed in the region"},
};

// A round makes and frees the objects of the parameter `batch` once; what the harness calls a batch
// is as many rounds as it takes.
std::uint64_t operations_per_batch(const Parameters& parameters) {
  const auto objects = parameters.at("batch");
  return objects * ((kFewestOperationsPerBatch + objects - 1) / objects);
}

template <HeapUnderTest Heap>
class FixedSize final : public Workload {
 public:
  FixedSize(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heap_(&capabilities.heaps.front()),
        random_(capabilities.random),
        size_(parameters.at("size")),
        order_(static_cast<Order>(parameters.at("order"))),
        objects_(parameters.at("batch")),
        places_(operations_per_batch(parameters)) {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const auto made = i % objects_.size();
      places_[i] = static_cast<std::uint32_t>(order_ == kLifo ? objects_.size() - 1 - made : made);
    }
  }

  // The first batch fills the allocator's caches.
  void warm_up() override {
    prepare_batch();
    run_batch();
  }

  void prepare_batch() override {
    if (order_ == kRandom) shuffle_places();
    demand_.operations_count += places_.size();
    demand_.heap_calls_count += 2 * places_.size();
    demand_.requested_bytes += size_ * places_.size();
  }

  void run_batch() override {
    for (std::size_t at = 0; at < places_.size(); at += objects_.size()) {
      run_round(places_of_round(at));
    }
  }

  void drain() override {}  // nothing outlives its round

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return {demand_.operations_count, 0}; }
  Bytes table_bytes() const override {
    return {objects_.size() * sizeof(void*) + places_.size() * sizeof(std::uint32_t)};
  }

 private:
  std::span<std::uint32_t> places_of_round(std::size_t at) {
    return std::span(places_).subspan(at, objects_.size());
  }

  void shuffle_places() {
    for (std::size_t at = 0; at < places_.size(); at += objects_.size()) {
      shuffle(places_of_round(at), random_);
    }
  }

  void run_round(std::span<const std::uint32_t> places) {
    void** const objects = objects_.data();
    for (const auto place : places) {
      objects[place] = heap_->allocate(size_);
      heap_->first_write(objects[place], size_, Touch::kFirstByte);
    }
    for (void* object : objects_) heap_->free(object);
  }

  Heap* heap_;
  Random random_;
  std::size_t size_;
  Order order_;
  std::vector<void*> objects_;         // of a round, in the order in which they are freed
  std::vector<std::uint32_t> places_;  // of the objects of all rounds, in the order they are made
  HeapDemand demand_;
};

Bytes footprint(const Parameters& parameters) {
  return {parameters.at("batch") * (parameters.at("size") + sizeof(void*)) +
          operations_per_batch(parameters) * sizeof(std::uint32_t)};
}

}  // namespace

extern const WorkloadDescriptor kFixedSize;
constinit const WorkloadDescriptor kFixedSize = describe<FixedSize>({
    .name = "fixed_size",
    .family = Family::kFastPath,
    .models = "batches of objects of one size, made and then freed in a given order",
    .does_not_model = "other sizes in between, objects that stay, use of their content, threads",
    .parameters = kParameters,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
});

}  // namespace heapwise
