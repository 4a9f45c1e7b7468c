// arena_ratchet
//
// Models: a pool of many handler threads of which few are busy at once: application servers, thread
// pools of databases, download workers. A task makes large buffers, fills them and frees them. The
// live set is that of the busy threads; sooner or later every thread has had its turn.
//
// Does not model: small objects beside the buffers, buffers that outlive their task or are handed
// to another thread, idle time between tasks (an allocator that purges after a delay has none),
// threads that start and end.
//
// Parameters and their source: the suite's own choice, with mallopt(3) in view: glibc's dynamic
// mmap threshold follows freed buffers up to 32 MiB, and each arena keeps its top while it is below
// twice that. 11M lies between the 8 MiB above which some allocators treat an object apart and
// those 32; 64 threads are a common size of a pool, and more than glibc has arenas on 2 CPUs. Two
// threads are busy at once. With `buffers` above 1 a task holds that many together, of sizes
// between size/8 and size, log-uniform; else it has one of `size`.
//
// How to read the result: RSS after everything was freed is the answer, against the live set of
// active x buffers x size at most. What is retained for each thread that was ever busy is a
// ratchet: it goes up with each new thread and never down. The timeline shows it climb, since there
// is no warm-up. An operation is one task; turns go round, and the next threads begin when all of
// the ones before have ended, so that which tasks are at work together is the same in every run.
// Time is that of page faults for the most part, or of their absence.

#include <algorithm>
#include <numeric>

#include "bench/core/distribution.h"
#include "workloads/hand_over.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {
    {"threads", ParameterUnit::kCount, 64, 1, 1024, "threads that take turns"},
    {"active", ParameterUnit::kCount, 2, 1, 1024, "threads busy at once, all of them at most"},
    {"buffers", ParameterUnit::kCount, 1, 1, 1024, "buffers that a task holds together"},
    {"size", ParameterUnit::kBytes, 11 << 20, 8, 1 << 30,
     "size of a buffer, of several the largest"},
    {"operations", ParameterUnit::kCount, 256, 1, 1'000'000'000,
     "tasks, all threads together; by `threads` the rounds of turns"},
};

constexpr std::uint64_t kSpread = 8;  // the smallest of several buffers is size / 8

template <HeapUnderTest Heap>
class ArenaRatchet final : public Workload {
 public:
  ArenaRatchet(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heaps_(capabilities.heaps),
        threads_(capabilities.threads),
        random_(capabilities.random),
        count_(threads_parameter(parameters)),
        active_(static_cast<unsigned>(std::min<std::uint64_t>(parameters.at("active"), count_))),
        buffers_(parameters.at("buffers")),
        sizes_(buffers_ == 1 ? parameters.at("size") : parameters.at("size") / kSpread,
               parameters.at("size")),
        tasks_(count_ * buffers_),
        tallies_(2 * count_) {}

  void warm_up() override {}  // the climb is what is measured

  void prepare_batch() override {
    for (auto& buffer : tasks_) {
      buffer.size = sizes_.draw(random_);
      demand_.requested_bytes += buffer.size;
    }
    demand_.operations_count += count_;
    demand_.heap_calls_count += 2 * tasks_.size();
  }

  // The threads that have no turn sleep: each group of active ones is a round of the crew's.
  void run_batch() override {
    for (unsigned first = 0; first < count_; first += active_) {
      run_on(threads_, [this, first](unsigned index) {
        if (index >= first && index - first < active_) do_task(index);
      });
    }
  }

  void drain() override {}  // a task ends when its buffers have been freed

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return progress_of(tallies_, count_); }
  Bytes table_bytes() const override { return {tasks_.size() * sizeof(Buffer)}; }

 private:
  struct Buffer {
    void* object;
    std::uint64_t size;
  };

  void do_task(unsigned index) {
    Heap& heap = heaps_[index];
    const std::span<Buffer> buffers(tasks_.data() + index * buffers_, buffers_);
    std::uint64_t bytes = 0;
    for (auto& buffer : buffers) {
      buffer.object = heap.allocate(buffer.size);
      tallies_[index].add(1, buffer.size);
      heap.first_write(buffer.object, buffer.size, Touch::kEveryPage);
      bytes += buffer.size;
    }
    for (const auto& buffer : buffers) heap.free(buffer.object);
    tallies_[count_ + index].add(1, bytes);
  }

  std::span<Heap> heaps_;
  Threads* threads_;
  Random random_;
  unsigned count_;   // of threads
  unsigned active_;  // of them at once
  std::uint64_t buffers_;
  LogUniform sizes_;
  std::vector<Buffer> tasks_;   // of the next batch, buffers_ for each thread
  std::vector<Tally> tallies_;  // buffers that each thread has made, then tasks that each has ended
  HeapDemand demand_;
};

// One batch is one turn of every thread.
std::uint64_t operations_per_batch(const Parameters& parameters) {
  return parameters.at("threads");
}

// Not what is live but what an allocator may retain: a task's buffers for every thread.
Bytes footprint(const Parameters& parameters) {
  constexpr std::uint64_t kTableBytesPerBuffer = 16;
  return {parameters.at("threads") * parameters.at("buffers") *
          (parameters.at("size") + kTableBytesPerBuffer)};
}

}  // namespace

extern const WorkloadDescriptor kArenaRatchet;
constinit const WorkloadDescriptor kArenaRatchet = describe<ArenaRatchet>({
    .name = "arena_ratchet",
    .family = Family::kServers,
    .models = "many threads, few busy at once, whose tasks fill large buffers and free them",
    .does_not_model = "small objects beside the buffers, idle time, threads that start and end",
    .parameters = kParameters,
    .only_memory = true,
    .threads = threads_parameter,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
});

}  // namespace heapwise
