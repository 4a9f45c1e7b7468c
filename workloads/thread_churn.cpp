// thread_churn
//
// Models: threads that live for one task: a server with a thread for each connection, a build or a
// batch that starts a thread for each item. A thread allocates a few hundred objects, frees most of
// them and ends; what it leaves (cache entries, results) is freed later, by a thread that starts
// long after it has ended, or by the one that lives.
//
// Does not model: tasks of different length, tasks that wait, a number of threads that rises and
// falls, objects that a task hands to another that runs, work between the calls.
//
// Parameters and their source: the suite's own choice, not taken from a trace. 200 objects of 16
// bytes to 1K log-uniform, 242 on average, are headers, nodes and small buffers of one request; a
// task frees them in the order in which it made them, all but every tenth. Those live for 100 tasks
// of the same slot, so that each of 4 slots holds 2,000 objects of a hundred ended threads.
// `freed_by=driver`: the slot's driver frees them, a thread that lives and never allocates.
//
// How to read the result: an operation is one task, which is a thread: its start, two heap calls
// for each object, its end. Most of its time is the C library's and the kernel's (the null
// allocator's figure); what is above that is an allocator that sets up a heap for a thread, flushes
// its caches when it goes and finds what others have left. The live set is constant: RSS above it
// along the timeline is memory of ended threads that new ones do not find. Of the system calls, one
// madvise for each thread and those that map and unmap its stack are the C library's.

#include <algorithm>
#include <functional>

#include "bench/core/distribution.h"
#include "workloads/ring.h"
#include "workloads/short_lived_threads.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::string_view kFreers[] = {"task", "driver"};

constexpr ParameterDescriptor kParameters[] = {
    {"threads", ParameterUnit::kCount, 4, 1, 256, "threads at a time, each in a slot of its own"},
    {"objects", ParameterUnit::kCount, 200, 1, 1'000'000, "objects that a task makes"},
    {"survive", ParameterUnit::kCount, 10, 0, 100, "percent of them that outlive their task"},
    {"lifetime", ParameterUnit::kCount, 100, 1, 1'000'000,
     "tasks of the same slot after which those are freed"},
    choice("freed_by", kFreers, "who frees them then: the task that starts, or the slot's driver"),
    {"min", ParameterUnit::kBytes, 16, 1, 1 << 20, "smallest size"},
    {"max", ParameterUnit::kBytes, 1024, 1, 1 << 20, "largest size"},
    {"operations", ParameterUnit::kCount, 4'000, 1, 1'000'000'000'000,
     "tasks measured, in all slots together"},
};

constexpr std::uint64_t kWarmUpLifetimes = 2;
constexpr std::size_t kSizesCount = 65'521;  // a prime: no task's objects divide it

std::uint64_t survivors_of(const Parameters& parameters) {
  return parameters.at("objects") * parameters.at("survive") / 100;
}

std::uint64_t tasks_of_slot(const Parameters& parameters) {
  return divide_up(parameters.at("operations"), parameters.at("threads"));
}

// One batch is the whole run.
std::uint64_t operations_per_batch(const Parameters& parameters) {
  return tasks_of_slot(parameters) * parameters.at("threads");
}

template <HeapUnderTest Heap>
class ThreadChurn final : public Workload {
 public:
  ThreadChurn(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heaps_(capabilities.heaps),
        threads_(capabilities.threads),
        driver_frees_(kFreers[parameters.at("freed_by")] == "driver"),
        lifetime_(parameters.at("lifetime")),
        survivors_(survivors_of(parameters)),
        measured_(tasks_of_slot(parameters)),
        survives_(parameters.at("objects")),
        progress_(heaps_.size()) {
    spread_survivors();
    Random random = capabilities.random;
    const LogUniform sizes(parameters.at("min"), parameters.at("max"));
    const auto draw = [&] { return static_cast<std::uint32_t>(sizes.draw(random)); };
    slots_.reserve(heaps_.size());
    for (std::size_t i = 0; i < heaps_.size(); ++i) {
      slots_.push_back({Ring(make_values(kSizesCount, draw)), std::vector<Object>(survives_.size()),
                        std::vector<Object>(lifetime_ * survivors_)});
    }
  }

  void warm_up() override {
    announce(kWarmUpLifetimes * lifetime_);
    run(kWarmUpLifetimes * lifetime_);
  }
  void prepare_batch() override { announce(measured_); }
  void run_batch() override { run(measured_); }
  void drain() override {
    demand_.heap_calls_count += slots_.size() * std::min(tasks_done_, lifetime_) * survivors_;
    run_on(threads_, [this](unsigned index) { free_all(index); });
  }

  void visit_live(const LiveVisitor& visit) const override {
    for (const auto& slot : slots_) {
      for (const auto& object : slot.left) {
        if (object.address != nullptr) visit(object.address, object.size);
      }
    }
  }

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return SlotProgress::of_all(progress_); }

  Bytes table_bytes() const override {
    std::uint64_t bytes = survives_.size();
    for (const auto& slot : slots_) {
      bytes += slot.sizes.table_bytes() + (slot.of_task.size() + slot.left.size()) * sizeof(Object);
    }
    return {bytes};
  }

 private:
  struct Object {
    void* address = nullptr;
    std::uint32_t size = 0;
  };

  struct alignas(64) Slot {
    Ring<std::uint32_t> sizes;
    std::vector<Object> of_task;  // of the task that runs
    std::vector<Object> left;     // [task % lifetime][survivor]: what the last tasks have left
  };

  // Evenly over what a task makes.
  void spread_survivors() {
    const auto objects = survives_.size();
    for (std::uint64_t i = 0; i < objects; ++i) {
      survives_[i] = (i + 1) * survivors_ / objects != i * survivors_ / objects;
    }
  }

  void announce(std::uint64_t tasks) {
    const auto objects = survives_.size();
    const auto expired = expired_before(tasks_done_ + tasks) - expired_before(tasks_done_);
    const auto calls = tasks * (2 * objects - survivors_) + expired * survivors_;
    for (const auto& slot : slots_) {
      demand_.operations_count += tasks;
      demand_.heap_calls_count += calls;
      demand_.requested_bytes += slot.sizes.sum_of_next(tasks * objects, std::identity{});
    }
  }

  /// Tasks whose survivors have been freed when that many have run.
  std::uint64_t expired_before(std::uint64_t tasks) const {
    return tasks < lifetime_ ? 0 : tasks - lifetime_;
  }

  void run(std::uint64_t tasks) {
    run_on(threads_, [this, tasks](unsigned index) {
      for (auto task = tasks_done_; task < tasks_done_ + tasks; ++task) {
        if (driver_frees_) {
          heaps_[index].take_over();
          free_expired(index, task);
        }
        run_in_a_thread([this, index, task] { live(index, task); });
      }
    });
    tasks_done_ += tasks;
  }

  // The life of one thread.
  void live(unsigned index, std::uint64_t task) {
    heaps_[index].take_over();
    if (!driver_frees_) free_expired(index, task);
    make_objects(index);
    free_objects(index, task);
  }

  std::span<Object> left_by(unsigned index, std::uint64_t task) {
    return std::span(slots_[index].left).subspan(task % lifetime_ * survivors_, survivors_);
  }

  // What the task before it left in the place where this one will leave its own.
  void free_expired(unsigned index, std::uint64_t task) {
    if (task < lifetime_) return;
    std::uint64_t bytes = 0;
    for (const auto& object : left_by(index, task)) {
      heaps_[index].free(object.address);
      bytes += object.size;
    }
    progress_[index].add(0, -bytes);
  }

  void make_objects(unsigned index) {
    auto& heap = heaps_[index];
    auto& slot = slots_[index];
    std::uint64_t bytes = 0;
    for (auto& object : slot.of_task) {
      object.size = slot.sizes.next();
      object.address = heap.allocate(object.size);
      heap.first_write(object.address, object.size, Touch::kFirstByte);
      bytes += object.size;
    }
    progress_[index].add(0, bytes);
  }

  void free_objects(unsigned index, std::uint64_t task) {
    auto& heap = heaps_[index];
    auto left = left_by(index, task).begin();
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < survives_.size(); ++i) {
      const Object& object = slots_[index].of_task[i];
      if (survives_[i]) {
        *left++ = object;
        continue;
      }
      heap.free(object.address);
      bytes += object.size;
    }
    progress_[index].add(1, -bytes);
  }

  void free_all(unsigned index) {
    auto& heap = heaps_[index];
    heap.take_over();
    std::uint64_t bytes = 0;
    for (auto& object : slots_[index].left) {
      if (object.address == nullptr) continue;
      heap.free(object.address);
      bytes += object.size;
      object = {};
    }
    progress_[index].add(0, -bytes);
  }

  std::span<Heap> heaps_;
  Threads* threads_;
  bool driver_frees_;
  std::uint64_t lifetime_;              // tasks
  std::uint64_t survivors_;             // of each task
  std::uint64_t measured_;              // tasks of each slot in the region
  std::uint64_t tasks_done_ = 0;        // of each slot
  std::vector<std::uint8_t> survives_;  // of each object of a task, whether
  std::vector<Slot> slots_;
  std::vector<SlotProgress> progress_;
  HeapDemand demand_;
};

Bytes footprint(const Parameters& parameters) {
  constexpr std::uint64_t kTableBytesPerObject = 16;
  const auto of_slot =
      parameters.at("objects") + parameters.at("lifetime") * survivors_of(parameters);
  return {parameters.at("threads") * (of_slot * (parameters.at("max") + kTableBytesPerObject) +
                                      kSizesCount * sizeof(std::uint32_t)) +
          parameters.at("objects")};
}

}  // namespace

extern const WorkloadDescriptor kThreadChurn;
constinit const WorkloadDescriptor kThreadChurn = describe<ThreadChurn>({
    .name = "thread_churn",
    .family = Family::kServers,
    .models = "threads that live for one task and leave a few objects behind",
    .does_not_model = "tasks of different length, tasks that wait, work between the calls",
    .parameters = kParameters,
    .shows_live_objects = true,
    .starts_threads = true,
    .threads = threads_parameter,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
    .reject = reject_inverted_sizes,
});

}  // namespace heapwise
