// request_bursts
//
// Models: a service after its rush hour: it has held `peak` bytes at once, all of them are freed,
// and from then on a handful of requests comes every now and then. Nothing is live between them.
//
// Does not model: objects that survive the peak and pin its pages, caches kept warm, a second peak,
// threads, requests that hold more than one object.
//
// Parameters and their source: the suite's own choice, not taken from a trace. 200M is far above
// what any allocator means to keep; sizes of 16 bytes to 32K log-uniform mix slabs and spans below
// every mmap threshold. They are freed in the order they were made; `shuffle=1` frees them in
// random order, so that one object in a thread cache may pin a heap that shrinks from its end only.
// 30 rounds of 2,000 requests, 100 ms apart, are three seconds of light use: longer than an
// allocator with a decay of a second waits, shorter than the ten of others. 100 to 3100 bytes
// uniform are headers and small bodies.
//
// How to read the result: how far memory comes back. The peak lies before the region, so RSS begins
// with what is held just after everything was freed (that is its peak there), each point of the
// timeline is RSS after a round, and RSS at the end is what the idle service costs for good. A heap
// that shrinks from its end only comes back or not by the luck of the last objects, so its figure
// differs from seed to seed.
//
// An operation is one request: one malloc, the write of its first byte, one free. A round is a
// batch and its pause comes before it, untimed; time an operation is so that of requests on cold
// caches, with the page faults of what was given back too eagerly. Pauses cost the whole run
// operations / calls x pause_ms, in lockstep too: there a small pause_ms serves better.

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include "bench/core/distribution.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {
    {"peak", ParameterUnit::kBytes, 200 << 20, 1 << 20, 1ULL << 40, "bytes live at the peak"},
    {"min", ParameterUnit::kBytes, 16, 1, 1 << 20, "smallest size in the peak"},
    {"max", ParameterUnit::kBytes, 32 << 10, 1, 1 << 20, "largest size in the peak"},
    {"shuffle", ParameterUnit::kCount, 0, 0, 1,
     "1: the peak is freed in random order; 0: as it was made"},
    {"calls", ParameterUnit::kCount, 2'000, 1, 1'000'000, "requests in each round of light use"},
    {"request_min", ParameterUnit::kBytes, 100, 1, 1 << 20, "smallest request of light use"},
    {"request_max", ParameterUnit::kBytes, 3100, 1, 1 << 20, "largest request of light use"},
    {"pause_ms", ParameterUnit::kCount, 100, 0, 60'000, "idle milliseconds before each round"},
    {"operations", ParameterUnit::kCount, 60'000, 1, 1'000'000'000'000,
     "requests measured; by `calls` the number of rounds"},
};

template <HeapUnderTest Heap>
class RequestBursts final : public Workload {
 public:
  RequestBursts(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heap_(&capabilities.heaps.front()),
        random_(capabilities.random),
        shuffles_(parameters.at("shuffle") != 0),
        pause_(parameters.at("pause_ms")),
        request_min_(parameters.at("request_min")),
        request_sizes_count_(parameters.at("request_max") - request_min_ + 1),
        requests_(parameters.at("calls")) {
    draw_peak(parameters);
  }

  // The peak comes and goes.
  void warm_up() override {
    for (auto& object : peak_) {
      object.address = heap_->allocate(object.size);
      heap_->first_write(object.address, object.size, Touch::kEveryPage);
      demand_.requested_bytes += object.size;
    }
    if (shuffles_) shuffle(peak_, random_);
    for (const auto& object : peak_) heap_->free(object.address);
    demand_.heap_calls_count += 2 * peak_.size();
  }

  void prepare_batch() override {
    std::this_thread::sleep_for(pause_);
    for (auto& size : requests_) {
      size = static_cast<std::uint32_t>(request_min_ + random_.below(request_sizes_count_));
    }
    demand_.operations_count += requests_.size();
    demand_.heap_calls_count += 2 * requests_.size();
    demand_.requested_bytes +=
        std::accumulate(requests_.begin(), requests_.end(), std::uint64_t{0});
  }

  void run_batch() override {
    for (const std::size_t size : requests_) {
      void* request = heap_->allocate(size);
      heap_->first_write(request, size, Touch::kFirstByte);
      heap_->free(request);
    }
  }

  void drain() override {}  // nothing outlives its round

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return {demand_.operations_count, 0}; }
  Bytes table_bytes() const override {
    return {peak_.capacity() * sizeof(Object) + requests_.size() * sizeof(std::uint32_t)};
  }

 private:
  struct Object {
    void* address;
    std::uint32_t size;
  };

  void draw_peak(const Parameters& parameters) {
    const LogUniform sizes(parameters.at("min"), parameters.at("max"));
    for (std::uint64_t left = parameters.at("peak"); left != 0;) {
      const auto size = std::min(left, sizes.draw(random_));
      peak_.push_back({nullptr, static_cast<std::uint32_t>(size)});
      left -= size;
    }
  }

  Heap* heap_;
  Random random_;
  bool shuffles_;
  std::chrono::milliseconds pause_;
  std::uint64_t request_min_;
  std::uint64_t request_sizes_count_;
  std::vector<Object> peak_;
  std::vector<std::uint32_t> requests_;  // sizes of the next round
  HeapDemand demand_;
};

std::uint64_t operations_per_batch(const Parameters& parameters) {
  return parameters.at("calls");
}

Bytes footprint(const Parameters& parameters) {
  constexpr double kTableBytesPerObject = 2 * 16;  // a vector that has grown may be half empty
  const auto peak = static_cast<double>(parameters.at("peak"));
  const auto mean = mean_of_log_uniform(parameters.at("min"), parameters.at("max"));
  return {static_cast<std::uint64_t>(peak + peak / mean * kTableBytesPerObject)};
}

std::string reject(const Parameters& parameters) {
  const auto smallest = parameters.at("request_min");
  const auto largest = parameters.at("request_max");
  if (smallest > largest) {
    return "request_min " + format_scaled(smallest) + " is above request_max " +
           format_scaled(largest) + "; set both, request_min first";
  }
  return reject_inverted_sizes(parameters);
}

}  // namespace

extern const WorkloadDescriptor kRequestBursts;
constinit const WorkloadDescriptor kRequestBursts = describe<RequestBursts>({
    .name = "request_bursts",
    .family = Family::kServers,
    .models = "a peak that is freed whole, then rounds of light use with pauses between",
    .does_not_model = "objects that survive the peak, a second peak, threads",
    .parameters = kParameters,
    .only_memory = true,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
    .reject = reject,
});

}  // namespace heapwise
