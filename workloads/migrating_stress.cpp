// migrating_stress
//
// Models: objects and tasks that stay with no thread: work stealing, actors and coroutines on a
// thread pool, caches that all threads write to. A task exchanges random objects, in a table that
// all share and in a part of its own, with fresh ones, and frees what it got, whoever made it.
// After `stay` operations every task moves to the next thread and its CPU, where it finds what it
// made elsewhere. The objects of its own have sizes of its own, so what a thread's caches have
// learned from a task is of use to the next thread only.
//
//     table:   | shared by all tasks | own of task 0 | own of task 1 | …      always full
//     round r: thread i runs task (i + r) mod threads, then all wait for each other
//
// Does not model: tasks that move at different times, or that a thread runs in turn; work between
// the calls. Which thread frees which object of the shared part depends on how the threads run side
// by side, and so does what is left in it: calls and sizes asked for are the same in each run, the
// places of the objects in the heap are not.
//
// Parameters and their source: the suite's own choice, not taken from a trace. Sizes of 16 bytes to
// 1K log-uniform, 242 on average; of n tasks each has for its own objects an n-th of these
// doublings. 5,000 shared objects and 5,000 of each of 4 tasks, 6 MB, make every second exchange a
// shared one. 10,000 operations, a millisecond or less, are a time slice of a busy pool.
//
// How to read the result: an operation is one malloc with the write of its first byte, one atomic
// exchange and one free. With n threads n - 1 of n frees in the shared part are remote ones, and so
// are the first frees of a task's own objects after each move. Time an operation is that of the
// slowest thread of each round, all threads counted together. The live set is constant: RSS above
// it is what threads keep of sizes that they no longer use.

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "bench/core/distribution.h"
#include "workloads/hand_over.h"
#include "workloads/ring.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kLargestSize = (1 << 16) - 1;  // see Held

constexpr ParameterDescriptor kParameters[] = {
    {"threads", ParameterUnit::kCount, 4, 1, 256, "threads, and tasks that move over them"},
    {"shared", ParameterUnit::kCount, 5'000, 0, 10'000'000, "objects that all tasks exchange"},
    {"own", ParameterUnit::kCount, 5'000, 0, 10'000'000, "further objects of each task alone"},
    {"stay", ParameterUnit::kCount, 10'000, 1, 1'000'000'000,
     "operations of a task before it moves to the next thread"},
    {"min", ParameterUnit::kBytes, 16, 1, kLargestSize, "smallest size"},
    {"max", ParameterUnit::kBytes, 1024, 1, kLargestSize, "largest size"},
    {"operations", ParameterUnit::kCount, 6'000'000, 1, 1'000'000'000'000,
     "objects exchanged in the measured region, by all threads together"},
};

constexpr std::uint64_t kLeastDrawnPerObject = 4;  // so that hardly one is never exchanged
constexpr std::uint64_t kWarmUpTurnovers = 2;

/// All tasks work side by side in each round.
struct Course {
  std::uint64_t rounds;
  std::uint64_t operations;  // of each task in each round
};

Course course_of(const Parameters& parameters) {
  const auto of_task = divide_up(parameters.at("operations"), parameters.at("threads"));
  const auto rounds = divide_up(of_task, parameters.at("stay"));
  return {.rounds = rounds, .operations = divide_up(of_task, rounds)};
}

// One batch is the whole run.
std::uint64_t operations_per_batch(const Parameters& parameters) {
  const auto course = course_of(parameters);
  return parameters.at("threads") * course.rounds * course.operations;
}

/// What a place of the table holds, in a word that can be exchanged; no address of a program has
/// more bits on x86-64 and aarch64, unless it asks for such memory.
///     | size: 16 bits | address: 48 bits |
struct Held {
  void* object;
  std::uint64_t size;

  static constexpr int kAddressBits = 48;

  std::uint64_t pack() const {
    const std::uint64_t address = reinterpret_cast<std::uintptr_t>(object);
    assert(address >> kAddressBits == 0 && size <= kLargestSize);
    return size << kAddressBits | address;
  }
  static Held unpack(std::uint64_t word) {
    constexpr std::uint64_t kAddressMask = (std::uint64_t{1} << kAddressBits) - 1;
    return {reinterpret_cast<void*>(word & kAddressMask), word >> kAddressBits};
  }
};

/// The sizes of the own objects of one of `tasks`: as many doublings for each.
LogUniform own_sizes(const Parameters& parameters, std::size_t task, std::size_t tasks) {
  const auto minimum = static_cast<double>(parameters.at("min"));
  const auto maximum = static_cast<double>(parameters.at("max"));
  const auto bound = [&](std::size_t index) {
    const double share = static_cast<double>(index) / static_cast<double>(tasks);
    return static_cast<std::uint64_t>(std::llround(minimum * std::pow(maximum / minimum, share)));
  };
  return {bound(task), bound(task + 1)};
}

template <HeapUnderTest Heap>
class MigratingStress final : public Workload {
 public:
  MigratingStress(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heaps_(capabilities.heaps),
        threads_(capabilities.threads),
        shared_(parameters.at("shared")),
        own_(parameters.at("own")),
        measured_(course_of(parameters)),
        table_(shared_ + own_ * heaps_.size()),
        tallies_(2 * heaps_.size()) {
    Random random = capabilities.random;
    const LogUniform any_size(parameters.at("min"), parameters.at("max"));
    const auto draw_size = [&random](const LogUniform& sizes) {
      return static_cast<std::uint32_t>(sizes.draw(random));
    };
    first_sizes_.reserve(table_.size());
    for (std::uint64_t i = 0; i < shared_; ++i) first_sizes_.push_back(draw_size(any_size));
    tasks_.reserve(heaps_.size());
    for (std::size_t task = 0; task < heaps_.size(); ++task) {
      const auto own_size = own_sizes(parameters, task, heaps_.size());
      for (std::uint64_t i = 0; i < own_; ++i) first_sizes_.push_back(draw_size(own_size));
      const auto draw = [&] {
        const auto place = static_cast<std::uint32_t>(random.below(shared_ + own_));
        if (place < shared_) return Replacement{place, draw_size(any_size)};
        return Replacement{static_cast<std::uint32_t>(place + task * own_), draw_size(own_size)};
      };
      tasks_.push_back(
          {Ring(make_values(prime_from(kLeastDrawnPerObject * (shared_ + own_)), draw))});
    }
  }

  void warm_up() override {
    announce_filling();
    run_on(threads_, [this](unsigned thread) { fill(thread); });
    const auto in_a_round = measured_.operations * tasks_.size();
    const auto wanted = divide_up(kWarmUpTurnovers * table_.size(), in_a_round);
    const Course course{.rounds = std::max<std::uint64_t>(wanted, tasks_.size()),
                        .operations = measured_.operations};
    announce(course);
    run(course);
  }
  void prepare_batch() override { announce(measured_); }
  void run_batch() override { run(measured_); }
  void drain() override {
    demand_.heap_calls_count += table_.size();
    run_on(threads_, [this](unsigned thread) { empty(thread); });
  }

  void visit_live(const LiveVisitor& visit) const override {
    for (const auto& place : table_) {
      const auto held = Held::unpack(place.load(std::memory_order_relaxed));
      visit(held.object, held.size);
    }
  }

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return progress_of(tallies_, tasks_.size()); }

  Bytes table_bytes() const override {
    return {table_.size() * (sizeof(std::uint64_t) + sizeof(std::uint32_t)) +
            tasks_.size() * tasks_.front().requests.table_bytes()};
  }

 private:
  struct alignas(64) Task {
    Ring<Replacement> requests;
  };

  struct Part {
    std::size_t begins;
    std::size_t ends;
  };

  /// An even part of the table for each thread, to fill it and to empty it.
  Part part_of(unsigned thread) const {
    return {table_.size() * thread / tasks_.size(), table_.size() * (thread + 1) / tasks_.size()};
  }

  void announce_filling() {
    demand_.heap_calls_count += table_.size();
    demand_.requested_bytes +=
        std::accumulate(first_sizes_.begin(), first_sizes_.end(), std::uint64_t{0});
  }

  void announce(const Course& course) {
    const auto of_task = course.rounds * course.operations;
    for (const auto& task : tasks_) {
      demand_.operations_count += of_task;
      demand_.heap_calls_count += 2 * of_task;
      demand_.requested_bytes += task.requests.sum_of_next(of_task, &Replacement::size);
    }
  }

  Tally& made_by(unsigned thread) { return tallies_[thread]; }
  Tally& freed_by(unsigned thread) { return tallies_[tasks_.size() + thread]; }

  void run(const Course& course) {
    for (std::uint64_t i = 0; i < course.rounds; ++i, ++round_) {
      run_on(threads_, [this, &course](unsigned thread) {
        exchange(thread, tasks_[(thread + round_) % tasks_.size()], course.operations);
      });
    }
  }

  void exchange(unsigned thread, Task& task, std::uint64_t count) {
    auto& heap = heaps_[thread];
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto [place, size] = task.requests.next();
      const Held fresh = make(heap, size);
      made_by(thread).add(1, size);  // before another thread can have freed it
      const Held old =
          Held::unpack(table_[place].exchange(fresh.pack(), std::memory_order_acq_rel));
      heap.free(old.object);
      freed_by(thread).add(1, old.size);
    }
  }

  static Held make(Heap& heap, std::size_t size) {
    void* object = heap.allocate(size);
    heap.first_write(object, size, Touch::kFirstByte);
    return {object, size};
  }

  void fill(unsigned thread) {
    const auto [begins, ends] = part_of(thread);
    for (auto i = begins; i < ends; ++i) {
      table_[i].store(make(heaps_[thread], first_sizes_[i]).pack(), std::memory_order_relaxed);
      made_by(thread).add(1, first_sizes_[i]);
    }
  }

  void empty(unsigned thread) {
    const auto [begins, ends] = part_of(thread);
    for (auto i = begins; i < ends; ++i) {
      const auto held = Held::unpack(table_[i].load(std::memory_order_relaxed));
      heaps_[thread].free(held.object);
      freed_by(thread).add(1, held.size);
    }
  }

  std::span<Heap> heaps_;
  Threads* threads_;
  std::uint64_t shared_;
  std::uint64_t own_;  // of each task
  Course measured_;
  std::uint64_t round_ = 0;
  std::vector<Task> tasks_;                        // as many as threads
  std::vector<std::atomic<std::uint64_t>> table_;  // shared, own of each task: Held, packed
  std::vector<std::uint32_t> first_sizes_;         // of what the table is filled with
  std::vector<Tally> tallies_;                     // of each thread: made, then freed
  HeapDemand demand_;
};

Bytes footprint(const Parameters& parameters) {
  constexpr std::uint64_t kTableBytesPerObject = sizeof(std::uint64_t) + sizeof(std::uint32_t);
  const auto threads = parameters.at("threads");
  const auto in_sight = parameters.at("shared") + parameters.at("own");
  const auto objects = parameters.at("shared") + threads * parameters.at("own");
  return {objects * (parameters.at("max") + kTableBytesPerObject) +
          threads * prime_from(kLeastDrawnPerObject * in_sight) * sizeof(Replacement)};
}

std::string reject(const Parameters& parameters) {
  if (parameters.at("shared") + parameters.at("own") == 0) {
    return "shared 0 and own 0 leave nothing to exchange; set one of them";
  }
  return reject_inverted_sizes(parameters);
}

}  // namespace

extern const WorkloadDescriptor kMigratingStress;
constinit const WorkloadDescriptor kMigratingStress = describe<MigratingStress>({
    .name = "migrating_stress",
    .family = Family::kServers,
    .models = "objects that all threads exchange, and tasks that move from thread to thread",
    .does_not_model = "tasks that move at different times, work between the calls",
    .parameters = kParameters,
    .shows_live_objects = true,
    .threads = threads_parameter,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
    .reject = reject,
});

}  // namespace heapwise
