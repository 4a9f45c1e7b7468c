#include "bench/worker/cell_run.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>

#include "bench/heap/shadow_heap.h"
#include "bench/worker/affinity.h"
#include "bench/worker/fragmentation.h"
#include "bench/worker/memory_watch.h"
#include "bench/worker/region.h"
#include "bench/worker/request_watch.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kLargestSlicesCount = 64;

/// The heaps of a cell, one for each thread, and what they share.
template <HeapUnderTest Heap>
class HeapSet;

template <>
class HeapSet<PlainHeap> {
 public:
  explicit HeapSet(unsigned count) : heaps_(count) {}
  std::span<PlainHeap> heaps() { return heaps_; }
  void restart(unsigned) {}
  std::unique_ptr<LatencyRecorder> latencies() const { return nullptr; }

 private:
  std::vector<PlainHeap> heaps_;
};

template <>
class HeapSet<TimedHeap> {
 public:
  explicit HeapSet(unsigned count) : fault_floor_(measure_fault_floor()) {
    for (unsigned i = 0; i < count; ++i) {
      heaps_.emplace_back(recorders_.emplace_back(fault_floor_));
    }
  }
  std::span<TimedHeap> heaps() { return heaps_; }
  void restart(unsigned index) { recorders_[index].restart(); }
  std::unique_ptr<LatencyRecorder> latencies() const {
    auto all = std::make_unique<LatencyRecorder>(fault_floor_);
    for (const auto& recorder : recorders_) all->merge(recorder);
    return all;
  }

 private:
  Ticks fault_floor_;
  std::deque<LatencyRecorder> recorders_;
  std::vector<TimedHeap> heaps_;
};

template <>
class HeapSet<CheckedHeap> {
 public:
  explicit HeapSet(unsigned count) : heaps_(count, CheckedHeap(shadow_)) {}
  std::span<CheckedHeap> heaps() { return heaps_; }
  void restart(unsigned) {}
  std::unique_ptr<LatencyRecorder> latencies() const { return nullptr; }

 private:
  ShadowHeap shadow_;
  std::vector<CheckedHeap> heaps_;
};

/// Threads left to the scheduler share one CPU in some runs and not in others, which makes two
/// kinds of runs out of one cell.
std::unique_ptr<Threads> make_threads(unsigned count, const std::vector<int>& wanted) {
  if (count == 1) return nullptr;
  const auto cpus = wanted.empty() ? usable_cpus() : wanted;
  auto threads = std::make_unique<Threads>(count);
  threads->run([&cpus](unsigned index) { stay_on({cpus[index % cpus.size()]}); });
  return threads;
}

template <HeapUnderTest Heap>
class CellRunOn final : public CellRun {
 public:
  explicit CellRunOn(const CellPlan& plan)
      : plan_(plan),
        slicing_(slicing_of(plan)),
        threads_count_(plan.workload->threads(plan.parameters)),
        heaps_(threads_count_),
        threads_(make_threads(threads_count_, plan.cpus)),
        requests_(plan.pass->paces_requests
                      ? std::make_unique<RequestWatch>(threads_count_, slicing_.slices_count)
                      : nullptr),
        workload_(factory<Heap>(*plan.workload)(
            plan.parameters,
            {.heaps = heaps_.heaps(),
             .random = Random(plan.seed),
             .threads = threads_.get(),
             .tracks_live_bytes = plan.pass->keeps_timeline || plan.pass->splits_fragmentation,
             .pacers = pacers()})) {
    slices_.resize(slicing_.slices_count);  // populated here, so that it cannot fault in the region
    if (plan.pass->keeps_timeline) watch_.emplace(*workload_, threads_count_ > 1);
    if (plan.pass->reads_statistics) statistics_.emplace(plan.statistics);
    read_statistics(Moment::kBefore);
    memory_.before = sampler_.sample();
  }

  void prepare() override { workload_->warm_up(); }

  Nanoseconds run_slice() override {
    if (slices_done_ == 0) begin_region();
    for (std::uint64_t i = 0; i < slicing_.lead_in_batches; ++i) {
      workload_->prepare_batch();
      workload_->run_batch();
    }
    Nanoseconds wall;
    for (std::uint64_t i = 0; i < slicing_.batches_per_slice; ++i) {
      workload_->prepare_batch();
      const Nanoseconds cpu_begin = read_clock(CLOCK_PROCESS_CPUTIME_ID);
      const Nanoseconds wall_begin = monotonic_now();
      workload_->run_batch();
      wall += monotonic_now() - wall_begin;
      cpu_ += read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin;
    }
    slices_[slices_done_++] = wall;
    if (watch_) watch_->slice_ended();
    if (requests_) {
      requests_->slice_ended((workload_->demand() - demand_at_begin_).operations_count);
    }
    if (slices_done_ == slices_.size()) end_region();
    return wall;
  }

  Figures take_figures() override {
    Figures figures{
        .work = {.operations_count = demand_.operations_count,
                 .heap_calls_count = demand_.heap_calls_count,
                 .requested_bytes = demand_.requested_bytes,
                 .harness = workload_->table_bytes()},
        .slices = std::move(slices_),
        .timed_operations_count = slicing_.slices_count * slicing_.batches_per_slice *
                                  plan_.workload->operations_per_batch(plan_.parameters),
        .cpu = cpu_,
        .memory = memory_,
        .timeline = watch_ ? watch_->take_timeline() : nullptr,
        .latencies = std::move(latencies_),
        .statistics = statistics_,
        .requests = requests_ ? requests_->take_figures() : nullptr,
        .fragmentation = fragmentation_};
    compare_with_counted(figures);
    return figures;
  }

  Bytes rss_before() const override { return memory_.before.rss; }

 private:
  void begin_region() {
    restart_recorders();
    read_statistics(Moment::kBegin);
    demand_at_begin_ = workload_->demand();
    if (plan_.pass->reads_memory) reset_peak_rss();
    if (watch_) watch_->begin();
    region_.begin();
    faults_at_begin_ = read_fault_counts();
    // measured region begins
  }

  void end_region() {
    // measured region ends
    memory_.faults = read_fault_counts() - faults_at_begin_;
    region_.end();
    demand_ = workload_->demand() - demand_at_begin_;
    if (plan_.pass->reads_memory) read_memory();
    read_statistics(Moment::kEnd);
    latencies_ = heaps_.latencies();  // before the frees of draining
    if (plan_.pass->splits_fragmentation) {
      fragmentation_ = split_fragmentation(*workload_, plan_.release, sampler_);
      return;
    }
    workload_->drain();
    memory_.rss_drained = sampler_.sample().rss;
  }

  void restart_recorders() {
    run_on(threads_.get(), [this](unsigned index) {
      heaps_.restart(index);
      if (requests_) requests_->restart(index);
    });
  }

  std::span<Pacer* const> pacers() const {
    return requests_ ? requests_->pacers() : std::span<Pacer* const>{};
  }

  void read_statistics(Moment moment) {
    if (statistics_) statistics_->read(moment);
  }

  void read_memory() {
    memory_.end = sampler_.sample();
    memory_.peak = read_memory_peaks();
    memory_.anon_huge = read_anon_huge_bytes();
    if (watch_) watch_->end();
  }

  void compare_with_counted(Figures& figures) const {
    const auto counted = region_.counted();
    if (!counted) return;
    figures.work.heap_calls_count = counted->heap_calls_count;
    figures.work.library_calls_count = counted->library_calls_count;
    figures.status_detail = difference_from(*counted);
    if (!figures.status_detail.empty()) figures.status = "count_mismatch";
  }

  /// Empty where what was counted is what the workload announced.
  std::string difference_from(const CountedCalls& counted) const {
    if (counted.library_calls_count != 0 && !plan_.workload->starts_threads) {
      return "the C library made " + std::to_string(counted.library_calls_count) +
             " heap calls of its own, though the workload starts no threads";
    }
    if (counted.heap_calls_count == demand_.heap_calls_count &&
        counted.requested_bytes == demand_.requested_bytes) {
      return {};
    }
    return "the workload announced " + std::to_string(demand_.heap_calls_count) +
           " heap calls for " + std::to_string(demand_.requested_bytes) + " bytes, counted were " +
           std::to_string(counted.heap_calls_count) + " for " +
           std::to_string(counted.requested_bytes) + " bytes";
  }

  CellPlan plan_;
  Slicing slicing_;
  unsigned threads_count_;
  HeapSet<Heap> heaps_;
  std::unique_ptr<Threads> threads_;
  std::unique_ptr<RequestWatch> requests_;
  std::unique_ptr<Workload> workload_;
  Region region_;
  MemorySampler sampler_;
  std::optional<MemoryWatch> watch_;
  std::optional<AllocatorStatistics> statistics_;
  std::vector<Nanoseconds> slices_;
  std::size_t slices_done_ = 0;
  Nanoseconds cpu_;
  HeapDemand demand_at_begin_;
  HeapDemand demand_;
  FaultCounts faults_at_begin_;
  MemoryFigures memory_;
  std::unique_ptr<LatencyRecorder> latencies_;
  std::optional<FragmentationFigures> fragmentation_;
};

}  // namespace

Slicing slicing_of(const CellPlan& plan) {
  if (plan.slicing) return *plan.slicing;
  const auto per_batch = plan.workload->operations_per_batch(plan.parameters);
  const auto operations = plan.parameters.at("operations");
  const auto batches = std::max<std::uint64_t>(1, (operations + per_batch - 1) / per_batch);
  const auto slices =
      plan.workload->threads(plan.parameters) > 1 ? 1 : std::min(batches, kLargestSlicesCount);
  return {.slices_count = slices, .batches_per_slice = (batches + slices - 1) / slices};
}

std::unique_ptr<CellRun> make_cell_run(const CellPlan& plan) {
  switch (plan.pass->heap) {
    case HeapKind::kTimed:
      return std::make_unique<CellRunOn<TimedHeap>>(plan);
    case HeapKind::kChecked:
      return std::make_unique<CellRunOn<CheckedHeap>>(plan);
    case HeapKind::kPlain:
      break;
  }
  return std::make_unique<CellRunOn<PlainHeap>>(plan);
}

}  // namespace heapwise
