// asymmetric_free
//
// Models: threads that only allocate and threads that only free, with a large live set between
// them: caches whose entries a sweeper evicts, stores that one thread fills and another expires,
// queues that have grown long. Every free is a remote one, of an object made long ago.
//
// Does not model: threads that do both, objects that come back to their maker, objects that die out
// of turn, sizes that drift over time, threads that start and end.
//
// Parameters and their source: the suite's own choice, not taken from a trace. 16 to 512 bytes
// log-uniform as in producer_consumer, 143 on average; 330,000 of them are 47 MB, far above the
// caches, so that what an allocator cannot hand back from the freeing thread to the making one
// shows in resident memory. A batch of 256 is what a sweep frees before it looks up; `batch=1`
// hands over one by one.
//
// How to read the result: RSS over live bytes is the answer. The live set is constant, so all that
// lies above it is blowup: memory that the freeing side holds and the making side cannot have. An
// operation is one malloc with the write of its first byte in a producer and one free, of the
// oldest object, in a consumer, side by side; time an operation is the slower side's, and it
// includes the misses of a live set that no cache holds.

#include <algorithm>
#include <deque>
#include <numeric>

#include "bench/core/distribution.h"
#include "workloads/batch_fifo.h"
#include "workloads/hand_over.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {
    {"producers", ParameterUnit::kCount, 1, 1, 256, "threads that only allocate"},
    {"consumers", ParameterUnit::kCount, 1, 1, 256, "threads that only free"},
    {"live", ParameterUnit::kCount, 330'000, 1, 100'000'000,
     "objects alive at any time, rounded up to whole batches"},
    {"batch", ParameterUnit::kCount, 256, 1, 1 << 20, "objects handed over and freed together"},
    {"min", ParameterUnit::kBytes, 16, 1, 1 << 20, "smallest size"},
    {"max", ParameterUnit::kBytes, 512, 1, 1 << 20, "largest size"},
    {"operations", ParameterUnit::kCount, 2'000'000, 1, 1'000'000'000'000,
     "objects measured, all producers together"},
};

// A prime, so that no live set is a multiple of it: else what is freed would have exactly the sizes
// of what is made next.
constexpr std::size_t kSizesCount = 65'521;
constexpr std::uint64_t kWarmUpTurnovers = 2;  // of the live set, once it is there
constexpr std::uint64_t kSlackObjects = 1024;  // that a producer may be ahead, or two batches

std::uint64_t pairs(const Parameters& parameters) {
  return parameters.at("producers") * parameters.at("consumers");
}

/// Batches between each producer and each consumer that hold this many objects together.
std::uint64_t batches_per_pair(const Parameters& parameters, std::string_view objects) {
  return divide_up(parameters.find(objects)->second, parameters.at("batch") * pairs(parameters));
}

std::uint64_t slack_batches(const Parameters& parameters) {
  return std::max<std::uint64_t>(2, kSlackObjects / parameters.at("batch"));
}

// One batch of the worker's is the whole run, in which every pair hands over as many batches.
std::uint64_t operations_per_batch(const Parameters& parameters) {
  return batches_per_pair(parameters, "operations") * parameters.at("batch") * pairs(parameters);
}

template <HeapUnderTest Heap>
class AsymmetricFree final : public Workload {
 public:
  AsymmetricFree(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heaps_(capabilities.heaps),
        threads_(capabilities.threads),
        producers_(static_cast<unsigned>(parameters.at("producers"))),
        consumers_(static_cast<unsigned>(parameters.at("consumers"))),
        batch_(parameters.at("batch")),
        kept_(batches_per_pair(parameters, "live")),
        measured_(batches_per_pair(parameters, "operations")),
        sizes_(producers_, std::vector<std::uint32_t>(kSizesCount)),
        tallies_(producers_ + consumers_) {
    const auto capacity = kept_ + slack_batches(parameters);
    for (unsigned i = 0; i < producers_ * consumers_; ++i) fifos_.emplace_back(batch_, capacity);
    const LogUniform distribution(parameters.at("min"), parameters.at("max"));
    Random random = capabilities.random;
    for (auto& sizes : sizes_) {
      std::generate(sizes.begin(), sizes.end(),
                    [&] { return static_cast<std::uint32_t>(distribution.draw(random)); });
    }
  }

  void warm_up() override {
    const Course course{
        .made = kept_ * (1 + kWarmUpTurnovers), .freed = kept_ * kWarmUpTurnovers, .kept = kept_};
    announce(course);
    run(course);
  }
  void prepare_batch() override { announce(measured_course()); }
  void run_batch() override { run(measured_course()); }
  void drain() override {
    const Course course{.made = 0, .freed = kept_, .kept = 0};
    announce(course);
    run(course);
  }

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return progress_of(tallies_, producers_); }

  Bytes table_bytes() const override {
    std::uint64_t bytes = sizes_.size() * kSizesCount * sizeof(std::uint32_t);
    for (const auto& fifo : fifos_) bytes += fifo.table_bytes();
    return {bytes};
  }

 private:
  /// What every pair does, in batches: how many it makes and frees, and how many stay.
  struct Course {
    std::uint64_t made;
    std::uint64_t freed;
    std::uint64_t kept;
  };

  Course measured_course() const { return {.made = measured_, .freed = measured_, .kept = kept_}; }

  void announce(const Course& course) {
    const std::uint64_t made = course.made * consumers_ * batch_;  // by each producer
    const std::uint64_t freed = course.freed * consumers_ * batch_ * producers_;
    demand_.operations_count += freed;
    demand_.heap_calls_count += made * producers_ + freed;
    for (const auto& sizes : sizes_) demand_.requested_bytes += bytes_of_next(sizes, made);
  }

  std::uint64_t bytes_of_next(const std::vector<std::uint32_t>& sizes, std::uint64_t count) const {
    const auto whole_rings = count / kSizesCount;
    auto bytes = whole_rings * std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
    for (auto i = whole_rings * kSizesCount; i < count; ++i) {
      bytes += sizes[(next_size_ + i) % kSizesCount];
    }
    return bytes;
  }

  void run(const Course& course) {
    threads_->run([this, &course](unsigned index) {
      if (index < producers_) {
        produce(index, course);
      } else {
        consume(index - producers_, course);
      }
    });
    next_size_ = (next_size_ + course.made * consumers_ * batch_) % kSizesCount;
  }

  BatchFifo& fifo(unsigned producer, unsigned consumer) {
    return fifos_[producer * consumers_ + consumer];
  }

  void produce(unsigned producer, const Course& course) {
    auto next_size = next_size_;
    for (std::uint64_t i = 0; i < course.made * consumers_; ++i) {
      auto& target = fifo(producer, static_cast<unsigned>(i % consumers_));
      void** batch = nullptr;
      for (unsigned attempts = 0; (batch = target.reserve()) == nullptr;) wait_a_moment(attempts);
      const auto bytes = make_all(batch, sizes_[producer], next_size, heaps_[producer]);
      tallies_[producer].add(batch_, bytes);
      target.publish(bytes);
    }
  }

  std::uint64_t make_all(void** batch, const std::vector<std::uint32_t>& sizes,
                         std::size_t& next_size, Heap& heap) {
    std::uint64_t bytes = 0;
    for (std::uint64_t k = 0; k < batch_; ++k) {
      const std::size_t size = sizes[next_size];
      if (++next_size == kSizesCount) next_size = 0;
      batch[k] = heap.allocate(size);
      heap.first_write(batch[k], size, Touch::kFirstByte);
      bytes += size;
    }
    return bytes;
  }

  void consume(unsigned consumer, const Course& course) {
    auto& heap = heaps_[producers_ + consumer];
    auto expected = course.freed * producers_;
    unsigned attempts = 0;
    for (unsigned producer = 0; expected != 0; producer = (producer + 1) % producers_) {
      auto& source = fifo(producer, consumer);
      void* const* batch = source.front(course.kept);
      if (batch == nullptr) {
        wait_a_moment(attempts);
        continue;
      }
      for (std::uint64_t k = 0; k < batch_; ++k) heap.free(batch[k]);
      tallies_[producers_ + consumer].add(batch_, source.front_bytes());
      source.release();
      --expected;
    }
  }

  std::span<Heap> heaps_;
  Threads* threads_;
  unsigned producers_;
  unsigned consumers_;
  std::uint64_t batch_;     // objects
  std::uint64_t kept_;      // batches that stay alive between a producer and a consumer
  std::uint64_t measured_;  // batches that each pair hands over in the region
  std::vector<std::vector<std::uint32_t>> sizes_;  // of each producer, used in a ring
  std::size_t next_size_ = 0;                      // of every producer
  std::deque<BatchFifo> fifos_;                    // [producer][consumer]
  std::vector<Tally> tallies_;                     // producers', then consumers'
  HeapDemand demand_;
};

unsigned threads(const Parameters& parameters) {
  return static_cast<unsigned>(parameters.at("producers") + parameters.at("consumers"));
}

Bytes footprint(const Parameters& parameters) {
  const auto batches = batches_per_pair(parameters, "live") + slack_batches(parameters);
  const auto objects = batches * parameters.at("batch") * pairs(parameters);
  return {objects * (parameters.at("max") + sizeof(void*)) +
          parameters.at("producers") * kSizesCount * sizeof(std::uint32_t)};
}

std::string reject(const Parameters& parameters) {
  const auto least = parameters.at("batch") * pairs(parameters);
  if (parameters.at("live") < least) {
    return "live " + format_scaled(parameters.at("live")) + " is below " + format_scaled(least) +
           ", one batch between each producer and each consumer; set a larger live or a smaller "
           "batch";
  }
  return reject_inverted_sizes(parameters);
}

}  // namespace

extern const WorkloadDescriptor kAsymmetricFree;
constinit const WorkloadDescriptor kAsymmetricFree = describe<AsymmetricFree>({
    .name = "asymmetric_free",
    .family = Family::kServers,
    .models = "threads that only allocate and threads that only free, a large live set between",
    .does_not_model = "threads that do both, objects that die out of turn, sizes that drift",
    .parameters = kParameters,
    .threads = threads,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
    .reject = reject,
});

}  // namespace heapwise
