// locality
//
// Models: going through what was allocated, in the program's own order, when that was long ago and
// much has been freed and allocated since: lists, trees, tables of pointers.
//
// Does not model: objects that are read whole or written, a traversal while others allocate, an
// order that changes, threads.
//
// Parameters and their source: the suite's own choice, not taken from a trace. 200,000 objects of
// 16 to 256 bytes log-uniform are 17 MB, above any second-level cache. The order is that in which
// they were made first; `churn` percent of them have been replaced since, one by one in random
// order, each by an object of another size: 100 leaves hardly two neighbours of the order
// neighbours in memory, 0 leaves them as a fresh heap placed them. `dependent=1` is a linked list,
// where the next address is known when the last object has been read, `dependent=0` an array of
// pointers, where the processor may read ahead. 1 % is replaced between two passes, in order and
// each by one of its own size, which leaves the placement to the allocator and costs little.
//
// How to read the result: an operation is one object visited: its first byte is read. All
// allocators do the same reads, so that the difference is where the objects lie. With `churn=0` it
// is density: objects of a few size classes side by side are prefetched, headers between them and
// sizes rounded up take room in lines, and a slab for each class makes the order jump between as
// many places as there are classes. With `churn=100` nearly every visit is a miss, and what decides
// is how many pages and lines the live set is spread over, whether huge pages lie under it (the
// TLB's reach), and how far a free list that is kept in address order, or a slab filled up before
// the next, brings objects made together near each other again. Of the heap calls, a hundredth of a
// free and a malloc is in an operation. The cost of the cell itself are the reads, of objects that
// the null allocator has placed.

#include <algorithm>
#include <numeric>

#include "bench/core/distribution.h"
#include "workloads/table.h"
#include "workloads/traversal.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {
    {"live", ParameterUnit::kCount, 200'000, 1, 100'000'000,
     "objects alive, and visited in a pass"},
    {"min", ParameterUnit::kBytes, 16, 1, 65'536, "smallest size"},
    {"max", ParameterUnit::kBytes, 256, 1, 65'536, "largest size"},
    {"churn", ParameterUnit::kCount, 100, 0, 100,
     "percent of the objects replaced in random order before the region; 0: a fresh heap"},
    {"dependent", ParameterUnit::kCount, 1, 0, 1,
     "1: the next address depends on what was read, as in a list; 0: it does not, as in an array"},
    {"replace", ParameterUnit::kCount, 1, 1, 100, "percent of the objects replaced in each pass"},
    {"operations", ParameterUnit::kCount, 2'000'000, 1, 1'000'000'000'000,
     "objects visited, in passes of `live`"},
};

/// So many percent of the live objects, rounded up.
std::uint64_t share_of_live(const Parameters& parameters, std::string_view percent) {
  constexpr std::uint64_t kWhole = 100;
  return (parameters.at("live") * parameters.find(percent)->second + kWhole - 1) / kWhole;
}

template <HeapUnderTest Heap>
class Locality final : public Workload {
 public:
  Locality(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heap_(&capabilities.heaps.front()),
        random_(capabilities.random),
        size_distribution_(parameters.at("min"), parameters.at("max")),
        churned_(share_of_live(parameters, "churn")),
        replaced_per_pass_(share_of_live(parameters, "replace")),
        dependent_(parameters.at("dependent") != 0),
        list_(parameters.at("live")),
        sizes_(list_.size()),
        churn_order_(list_.size()) {
    std::iota(churn_order_.begin(), churn_order_.end(), 0);
    // Fisher and Yates.
    for (std::size_t left = list_.size(); left > 1; --left) {
      std::swap(churn_order_[left - 1], churn_order_[random_.below(left)]);
    }
  }

  void warm_up() override {
    for (std::size_t i = 0; i < list_.size(); ++i) make_anew(i);
    for (std::size_t i = 0; i < churned_; ++i) {
      heap_->free(list_[churn_order_[i]]);
      make_anew(churn_order_[i]);
    }
    demand_.heap_calls_count += list_.size() + 2 * churned_;
    traverse();
  }

  void prepare_batch() override {
    demand_.operations_count += list_.size();
    demand_.heap_calls_count += 2 * replaced_per_pass_;
    auto position = next_replaced_;
    for (std::uint64_t i = 0; i < replaced_per_pass_; ++i) {
      demand_.requested_bytes += sizes_[position];
      position = after(position);
    }
  }

  void run_batch() override {
    for (std::uint64_t i = 0; i < replaced_per_pass_; ++i) {
      heap_->free(list_[next_replaced_]);
      list_[next_replaced_] = make(sizes_[next_replaced_]);
      next_replaced_ = after(next_replaced_);
    }
    traverse();
  }

  void drain() override {
    for (auto& object : list_) {
      heap_->free(object);
      object = nullptr;
    }
    demand_.heap_calls_count += list_.size();
    live_bytes_ = 0;
  }

  void visit_live(const LiveVisitor& visit) const override {
    for (std::size_t i = 0; i < list_.size(); ++i) visit(list_[i], sizes_[i]);
  }

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return {demand_.operations_count, live_bytes_}; }
  Bytes table_bytes() const override {
    return {list_.size() * (sizeof(void*) + 2 * sizeof(std::uint32_t))};
  }

 private:
  void* make(std::size_t size) {
    void* object = heap_->allocate(size);
    heap_->first_write(object, size, Touch::kFirstByte);
    return object;
  }

  /// Of a size drawn for it.
  void make_anew(std::size_t position) {
    live_bytes_ -= sizes_[position];
    sizes_[position] = static_cast<std::uint32_t>(size_distribution_.draw(random_));
    live_bytes_ += sizes_[position];
    demand_.requested_bytes += sizes_[position];
    list_[position] = make(sizes_[position]);
  }

  void traverse() {
    if (dependent_) {
      follow(list_, zero_, read_object);
    } else {
      sweep(list_, read_object);
    }
  }

  std::size_t after(std::size_t position) const {
    return position + 1 == list_.size() ? 0 : position + 1;
  }

  Heap* heap_;
  Random random_;
  LogUniform size_distribution_;
  std::uint64_t churned_;
  std::uint64_t replaced_per_pass_;
  bool dependent_;
  const volatile std::size_t zero_ = 0;
  std::vector<void*> list_;                 // in the program's order
  std::vector<std::uint32_t> sizes_;        // of the objects in list_
  std::vector<std::uint32_t> churn_order_;  // of positions
  std::size_t next_replaced_ = 0;           // position
  HeapDemand demand_;
  std::uint64_t live_bytes_ = 0;
};

std::uint64_t operations_per_batch(const Parameters& parameters) {
  return parameters.at("live");
}

Bytes footprint(const Parameters& parameters) {
  constexpr std::uint64_t kTableBytesPerObject = sizeof(void*) + 2 * sizeof(std::uint32_t);
  return {parameters.at("live") * (parameters.at("max") + kTableBytesPerObject)};
}

}  // namespace

extern const WorkloadDescriptor kLocality;
constinit const WorkloadDescriptor kLocality = describe<Locality>({
    .name = "locality",
    .family = Family::kCaches,
    .models = "a traversal, in the program's order, of objects made and replaced long ago",
    .does_not_model = "objects read whole or written, an order that changes, threads",
    .parameters = kParameters,
    .shows_live_objects = true,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
    .reject = reject_inverted_sizes,
});

}  // namespace heapwise
