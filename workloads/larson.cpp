// larson
//
// Models: the server of Larson and Krishnan, "Memory allocation for long-running server
// applications" (ISMM 1998): a thread replaces random objects of a live set, then hands all of it
// to a new thread and ends. What a thread frees was made by itself or by any thread before it, most
// of which have ended; memory of theirs that nobody else can have adds up.
//
// Does not model: objects on their way between threads that live, as in producer_consumer;
// lifetimes that depend on the size; work between the calls. It differs from the paper's program in
// this: a thread is joined before the next one starts, by a driver on the slot's CPU, where there
// the ending thread starts the next; the number of replacements is fixed, where there the time is;
// what the first thread of a slot finds was made by its driver, where there the main thread makes
// it all; random numbers are drawn beforehand and used in a ring.
//
// Parameters and their source: a thousand objects a thread and sizes of 10 to 500 bytes, uniform,
// as the widely used version of the program is often run. 10 rounds are the suite's own choice: a
// tenth of what a thread frees was then made by another.
//
// How to read the result: an operation is one free of a random object, one malloc and the write of
// its first byte. Time an operation includes the threads' starts and ends (the null allocator's
// figure shows what they cost the C library and the kernel) and what an allocator does when a
// thread first uses it and when it goes. The live set is constant: RSS that grows along the
// timeline is memory of ended threads. Of the system calls, one madvise for each thread and those
// that map and unmap its stack are the C library's.

#include <algorithm>
#include <utility>

#include "workloads/ring.h"
#include "workloads/short_lived_threads.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr ParameterDescriptor kParameters[] = {
    {"threads", ParameterUnit::kCount, 4, 1, 256, "threads at a time, each with a slot of its own"},
    {"live", ParameterUnit::kCount, 1'000, 1, 1 << 24, "objects alive in each slot"},
    {"rounds", ParameterUnit::kCount, 10, 1, 1'000'000,
     "a thread replaces rounds x live objects, then the next has them"},
    {"min", ParameterUnit::kBytes, 10, 1, 1 << 20, "smallest size"},
    {"max", ParameterUnit::kBytes, 500, 1, 1 << 20, "largest size"},
    {"operations", ParameterUnit::kCount, 10'000'000, 1, 1'000'000'000'000,
     "objects replaced in the measured region, in all slots together"},
};

constexpr std::uint64_t kLeastDrawnPerObject = 4;  // so that hardly one is never replaced
constexpr std::uint64_t kWarmUpShare = 8;          // the warm-up is 1/8 of the measured threads
constexpr std::uint64_t kPublishedTogether = 256;

/// What happens in each slot.
struct Course {
  std::uint64_t threads;       // one after the other
  std::uint64_t replacements;  // by each
};

Course course_of(const Parameters& parameters) {
  const auto of_slot = divide_up(parameters.at("operations"), parameters.at("threads"));
  const auto threads = divide_up(of_slot, parameters.at("rounds") * parameters.at("live"));
  return {.threads = threads, .replacements = divide_up(of_slot, threads)};
}

// One batch is the whole run.
std::uint64_t operations_per_batch(const Parameters& parameters) {
  const auto course = course_of(parameters);
  return parameters.at("threads") * course.threads * course.replacements;
}

template <HeapUnderTest Heap>
class Larson final : public Workload {
 public:
  Larson(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heaps_(capabilities.heaps),
        threads_(capabilities.threads),
        measured_(course_of(parameters)),
        progress_(heaps_.size()) {
    Random random = capabilities.random;
    const auto minimum = parameters.at("min");
    const auto sizes_count = parameters.at("max") - minimum + 1;
    const auto live = parameters.at("live");
    const auto draw = [&] {
      const auto place = random.below(live);
      return Replacement{static_cast<std::uint32_t>(place),
                         static_cast<std::uint32_t>(minimum + random.below(sizes_count))};
    };
    slots_.reserve(heaps_.size());
    for (std::size_t i = 0; i < heaps_.size(); ++i) {
      slots_.push_back({Ring(make_values(prime_from(kLeastDrawnPerObject * live), draw)),
                        std::vector<void*>(live),
                        std::vector<std::uint32_t>(capabilities.tracks_live_bytes ? live : 0)});
    }
  }

  void warm_up() override {
    const Course course{.threads = divide_up(measured_.threads, kWarmUpShare),
                        .replacements = measured_.replacements};
    announce_filling();
    run_on(threads_, [this](unsigned index) { fill(index); });
    announce(course);
    run(course);
  }
  void prepare_batch() override { announce(measured_); }
  void run_batch() override { run(measured_); }
  void drain() override {
    for (const auto& slot : slots_) demand_.heap_calls_count += slot.objects.size();
    run_on(threads_, [this](unsigned index) { empty(index); });
  }

  void visit_live(const LiveVisitor& visit) const override {
    for (const auto& slot : slots_) {
      for (std::size_t i = 0; i < slot.sizes.size(); ++i) visit(slot.objects[i], slot.sizes[i]);
    }
  }

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override { return SlotProgress::of_all(progress_); }

  Bytes table_bytes() const override {
    std::uint64_t bytes = 0;
    for (const auto& slot : slots_) {
      bytes += slot.requests.table_bytes() + slot.objects.size() * sizeof(void*) +
               slot.sizes.size() * sizeof(std::uint32_t);
    }
    return {bytes};
  }

 private:
  struct alignas(64) Slot {
    Ring<Replacement> requests;
    std::vector<void*> objects;
    std::vector<std::uint32_t> sizes;  // of the objects; empty unless live bytes are tracked
  };

  void announce_filling() {
    for (const auto& slot : slots_) {
      demand_.heap_calls_count += slot.objects.size();
      demand_.requested_bytes += slot.requests.sum_of_next(slot.objects.size(), &Replacement::size);
    }
  }

  void announce(const Course& course) {
    const auto of_slot = course.threads * course.replacements;
    for (const auto& slot : slots_) {
      demand_.operations_count += of_slot;
      demand_.heap_calls_count += 2 * of_slot;
      demand_.requested_bytes += slot.requests.sum_of_next(of_slot, &Replacement::size);
    }
  }

  // The driver makes what the first thread finds.
  void fill(unsigned index) {
    auto& slot = slots_[index];
    std::uint64_t change = 0;
    for (std::size_t i = 0; i < slot.objects.size(); ++i) {
      const std::uint32_t size = slot.requests.next().size;
      slot.objects[i] = make(heaps_[index], size);
      change += note_size(slot, i, size);
    }
    progress_[index].add(0, change);
  }

  void run(const Course& course) {
    run_on(threads_, [this, &course](unsigned index) {
      for (std::uint64_t i = 0; i < course.threads; ++i) {
        run_in_a_thread([this, &course, index] { live(index, course.replacements); });
      }
    });
  }

  // The life of one thread.
  void live(unsigned index, std::uint64_t replacements) {
    heaps_[index].take_over();
    while (replacements != 0) {
      const auto some = slots_[index].requests.take(std::min(replacements, kPublishedTogether));
      replace(index, some);
      replacements -= some.size();
    }
  }

  void replace(unsigned index, std::span<const Replacement> replacements) {
    auto& heap = heaps_[index];
    auto& slot = slots_[index];
    void** const objects = slot.objects.data();
    std::uint64_t change = 0;
    for (const auto& [place, size] : replacements) {
      heap.free(objects[place]);
      objects[place] = make(heap, size);
      change += note_size(slot, place, size);
    }
    progress_[index].add(replacements.size(), change);
  }

  static void* make(Heap& heap, std::size_t size) {
    void* object = heap.allocate(size);
    heap.first_write(object, size, Touch::kFirstByte);
    return object;
  }

  // The change of live bytes, modulo 2^64; 0 unless they are tracked.
  static std::uint64_t note_size(Slot& slot, std::size_t place, std::uint32_t size) {
    if (slot.sizes.empty()) return 0;
    return std::uint64_t{size} - std::exchange(slot.sizes[place], size);
  }

  void empty(unsigned index) {
    auto& slot = slots_[index];
    heaps_[index].take_over();
    std::uint64_t change = 0;
    for (std::size_t i = 0; i < slot.objects.size(); ++i) {
      heaps_[index].free(slot.objects[i]);
      change += note_size(slot, i, 0);
    }
    progress_[index].add(0, change);
  }

  std::span<Heap> heaps_;
  Threads* threads_;
  Course measured_;
  std::vector<Slot> slots_;
  std::vector<SlotProgress> progress_;
  HeapDemand demand_;
};

Bytes footprint(const Parameters& parameters) {
  constexpr std::uint64_t kTableBytesPerObject = sizeof(void*) + sizeof(std::uint32_t);
  const auto live = parameters.at("live");
  return {parameters.at("threads") *
          (live * (parameters.at("max") + kTableBytesPerObject) +
           prime_from(kLeastDrawnPerObject * live) * sizeof(Replacement))};
}

}  // namespace

extern const WorkloadDescriptor kLarson;
constinit const WorkloadDescriptor kLarson = describe<Larson>({
    .name = "larson",
    .family = Family::kServers,
    .models = "a server's threads that replace random objects, hand all of them on and end",
    .does_not_model = "objects between threads that live, work between the calls",
    .parameters = kParameters,
    .shows_live_objects = true,
    .starts_threads = true,
    .threads = threads_parameter,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
    .reject = reject_inverted_sizes,
});

}  // namespace heapwise
