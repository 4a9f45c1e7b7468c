// producer_consumer
//
// Models: objects made in one thread and freed in another: pipelines, loggers, message brokers,
// thread pools with request objects. Every free is a remote one.
//
// Does not model: work between malloc and free, objects that come back to their maker, open-loop
// arrival (a full queue stops its producer), threads that start and end.
//
// Parameters and their source: the suite's own choice, not taken from a trace. 16 to 512 bytes
// log-uniform stand for messages and nodes; 1:1 is the plain pipeline, n:m the pool. A queue of
// 1024 objects keeps the live set in the caches, so that the hand-over between the allocator's
// threads is what is seen.
//
// How to read the result: an operation is one malloc with the write of its first byte in a producer
// and one free in a consumer, which run side by side; time an operation is the slower side's.
// Objects travel in parcels of 62, which spreads the queue's own misses thin.

#include <algorithm>
#include <deque>
#include <numeric>

#include "bench/core/distribution.h"
#include "workloads/hand_over.h"
#include "workloads/parcel_queue.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {
    {"producers", ParameterUnit::kCount, 1, 1, 256, "threads that allocate"},
    {"consumers", ParameterUnit::kCount, 1, 1, 256, "threads that free"},
    {"queue", ParameterUnit::kCount, 1024, 124, 1 << 24,
     "objects between a producer and a consumer"},
    {"min", ParameterUnit::kBytes, 16, 1, 1 << 20, "smallest size"},
    {"max", ParameterUnit::kBytes, 512, 1, 1 << 20, "largest size"},
    {"operations", ParameterUnit::kCount, 4'000'000, 1'000, 1'000'000'000'000,
     "objects measured, all producers together"},
};

constexpr std::size_t kSizesCount = 8192;
constexpr std::uint64_t kWarmUpShare = 8;  // the warm-up is 1/8 of the measured operations

std::uint64_t objects_per_producer(const Parameters& parameters) {
  return std::max<std::uint64_t>(1, parameters.at("operations") / parameters.at("producers"));
}

// One batch is the whole run: the queues are empty only at its ends.
std::uint64_t operations_per_batch(const Parameters& parameters) {
  return objects_per_producer(parameters) * parameters.at("producers");
}

template <HeapUnderTest Heap>
class ProducerConsumer final : public Workload {
 public:
  ProducerConsumer(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heaps_(capabilities.heaps),
        threads_(capabilities.threads),
        producers_(static_cast<unsigned>(parameters.at("producers"))),
        consumers_(static_cast<unsigned>(parameters.at("consumers"))),
        objects_per_producer_(objects_per_producer(parameters)),
        sizes_(producers_, std::vector<std::uint32_t>(kSizesCount)),
        tallies_(producers_ + consumers_) {
    const auto parcels = std::max<std::size_t>(2, parameters.at("queue") / kParcelObjects);
    for (unsigned i = 0; i < producers_ * consumers_; ++i) queues_.emplace_back(parcels);
    const LogUniform distribution(parameters.at("min"), parameters.at("max"));
    Random random = capabilities.random;
    for (auto& sizes : sizes_) {
      std::generate(sizes.begin(), sizes.end(),
                    [&] { return static_cast<std::uint32_t>(distribution.draw(random)); });
    }
  }

  void warm_up() override {
    const auto share = std::max<std::uint64_t>(1, objects_per_producer_ / kWarmUpShare);
    announce(share);
    run(share);
  }
  void prepare_batch() override { announce(objects_per_producer_); }
  void run_batch() override { run(objects_per_producer_); }
  void drain() override {}  // a batch ends when the last object has been freed

  HeapDemand demand() const override { return demand_; }

  Progress progress() const override { return progress_of(tallies_, producers_); }

  Bytes table_bytes() const override {
    std::uint64_t bytes = sizes_.size() * kSizesCount * sizeof(std::uint32_t);
    for (const auto& queue : queues_) bytes += queue.table_bytes();
    return {bytes};
  }

 private:
  void announce(std::uint64_t objects) {
    demand_.operations_count += objects * producers_;
    demand_.heap_calls_count += 2 * objects * producers_;
    for (const auto& sizes : sizes_) {
      const auto sum = [&](std::uint64_t count) {
        return std::accumulate(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(count),
                               std::uint64_t{0});
      };
      demand_.requested_bytes +=
          objects / kSizesCount * sum(kSizesCount) + sum(objects % kSizesCount);
    }
  }

  void run(std::uint64_t objects) {
    threads_->run([this, objects](unsigned index) {
      if (index < producers_) {
        produce(index, objects);
      } else {
        consume(index - producers_, objects);
      }
    });
  }

  ParcelQueue& queue(unsigned producer, unsigned consumer) {
    return queues_[producer * consumers_ + consumer];
  }

  static std::uint64_t parcels_of(std::uint64_t objects) {
    return (objects + kParcelObjects - 1) / kParcelObjects;
  }

  void produce(unsigned producer, std::uint64_t objects) {
    Heap& heap = heaps_[producer];
    const auto& sizes = sizes_[producer];
    std::uint64_t made = 0;
    for (std::uint64_t i = 0; i < parcels_of(objects); ++i) {
      auto& target = queue(producer, static_cast<unsigned>(i % consumers_));
      Parcel* parcel = nullptr;
      for (unsigned attempts = 0; (parcel = target.reserve()) == nullptr;) wait_a_moment(attempts);
      parcel->objects_count = std::min<std::uint64_t>(kParcelObjects, objects - made);
      parcel->bytes = 0;
      for (std::uint64_t k = 0; k < parcel->objects_count; ++k) {
        const std::size_t size = sizes[made++ % kSizesCount];
        void* object = heap.allocate(size);
        heap.first_write(object, size, Touch::kFirstByte);
        parcel->objects[k] = object;
        parcel->bytes += size;
      }
      tallies_[producer].add(parcel->objects_count, parcel->bytes);
      target.publish();
    }
  }

  void consume(unsigned consumer, std::uint64_t objects) {
    std::uint64_t expected = 0;
    for (std::uint64_t i = consumer; i < parcels_of(objects); i += consumers_) ++expected;
    expected *= producers_;
    unsigned attempts = 0;
    for (unsigned producer = 0; expected != 0; producer = (producer + 1) % producers_) {
      auto& source = queue(producer, consumer);
      const Parcel* parcel = source.front();
      if (parcel == nullptr) {
        wait_a_moment(attempts);
        continue;
      }
      free_all(*parcel, heaps_[producers_ + consumer]);
      tallies_[producers_ + consumer].add(parcel->objects_count, parcel->bytes);
      source.release();
      --expected;
    }
  }

  static void free_all(const Parcel& parcel, Heap& heap) {
    for (std::uint64_t k = 0; k < parcel.objects_count; ++k) heap.free(parcel.objects[k]);
  }

  std::span<Heap> heaps_;
  Threads* threads_;
  unsigned producers_;
  unsigned consumers_;
  std::uint64_t objects_per_producer_;
  std::vector<std::vector<std::uint32_t>> sizes_;  // of each producer, used in a ring
  std::deque<ParcelQueue> queues_;                 // [producer][consumer]
  std::vector<Tally> tallies_;                     // producers', then consumers'
  HeapDemand demand_;
};

unsigned threads(const Parameters& parameters) {
  return static_cast<unsigned>(parameters.at("producers") + parameters.at("consumers"));
}

Bytes footprint(const Parameters& parameters) {
  const auto pairs = parameters.at("producers") * parameters.at("consumers");
  return {pairs * parameters.at("queue") * (parameters.at("max") + sizeof(void*)) +
          parameters.at("producers") * kSizesCount * sizeof(std::uint32_t)};
}

}  // namespace

extern const WorkloadDescriptor kProducerConsumer;
constinit const WorkloadDescriptor kProducerConsumer = describe<ProducerConsumer>({
    .name = "producer_consumer",
    .family = Family::kServers,
    .models = "objects made in one thread and freed in another, over bounded queues",
    .does_not_model = "work between malloc and free, open-loop arrival, threads that start and end",
    .parameters = kParameters,
    .threads = threads,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
    .reject = reject_inverted_sizes,
});

}  // namespace heapwise
