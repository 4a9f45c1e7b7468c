// What a workload is to the rest of the suite: data about it, and an instance that runs in batches.
//
// A workload knows no allocator, no probe and no file. It is handed a heap for each of its threads,
// a random stream and its threads, and it states beforehand how many heap calls and bytes it will
// ask for; the worker holds it to that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "bench/core/pacer.h"
#include "bench/core/pass.h"
#include "bench/core/random.h"
#include "bench/core/spec.h"
#include "bench/core/threads.h"
#include "bench/core/units.h"
#include "bench/heap/heap.h"

namespace heapwise {

enum class ParameterUnit { kBytes, kCount, kChoice };

struct ParameterDescriptor {
  std::string_view key;
  ParameterUnit unit;
  std::uint64_t default_value;
  std::uint64_t minimum;
  std::uint64_t maximum;
  std::string_view help;
  std::span<const std::string_view> choices = {};  // of a choice: its words, each by its value
};

/// A parameter that is one of a few words, the first by default. A word's index is its value, which
/// only the workload sees: people and records have the word.
constexpr ParameterDescriptor choice(std::string_view key, std::span<const std::string_view> words,
                                     std::string_view help) {
  return {key, ParameterUnit::kChoice, 0, 0, words.size() - 1, help, words};
}

/// Every parameter of a workload by key; sizes in bytes.
using Parameters = std::map<std::string, std::uint64_t, std::less<>>;

/// What a workload has asked of the heap, or will have: totals since it was made.
struct HeapDemand {
  std::uint64_t operations_count = 0;
  std::uint64_t heap_calls_count = 0;
  std::uint64_t requested_bytes = 0;

  HeapDemand operator-(const HeapDemand& earlier) const {
    return {operations_count - earlier.operations_count,
            heap_calls_count - earlier.heap_calls_count, requested_bytes - earlier.requested_bytes};
  }
};

struct Progress {
  std::uint64_t operations_count = 0;
  std::uint64_t live_bytes = 0;
};

/// Called with a live object and the size that was asked for.
using LiveVisitor = std::function<void(void* object, std::size_t size)>;

/// One instance of a workload. The order of calls is: construction (tables are built and populated,
/// no heap call), warm_up, then prepare_batch and run_batch in turn, at last drain.
class Workload {
 public:
  virtual ~Workload() = default;

  /// Brings the live set to its steady state.
  virtual void warm_up() = 0;
  /// Draws the random numbers of the next batch, and waits where idle time is modelled; never
  /// timed, makes no heap call.
  virtual void prepare_batch() = 0;
  /// The next batch: nothing but heap calls, first writes and what connects them.
  virtual void run_batch() = 0;
  /// Frees every live object.
  virtual void drain() = 0;

  /// What all batches prepared so far (warm-up and drain included) ask of the heap.
  virtual HeapDemand demand() const = 0;
  /// How far the batches are; of a workload with threads it may be asked from another thread.
  virtual Progress progress() const = 0;

  /// Shows every live object, between batches; of a workload whose descriptor says so.
  virtual void visit_live(const LiveVisitor&) const {}

  /// Memory of the workload's own tables, populated in the constructor.
  virtual Bytes table_bytes() const = 0;
};

/// What a workload may use.
template <HeapUnderTest Heap>
struct Capabilities {
  std::span<Heap> heaps;  // one for each thread
  Random random;
  Threads* threads;        // of the number the descriptor says; nullptr for a single-threaded one
  bool tracks_live_bytes;  // progress().live_bytes or visit_live is wanted: keep a table of sizes
  std::span<Pacer* const> pacers = {};  // one for each thread; empty: as fast as it goes
};

/// Runs body(index) on each of a workload's threads; without any, on the caller's.
inline void run_on(Threads* threads, const std::function<void(unsigned)>& body) {
  if (threads != nullptr) return threads->run(body);
  body(0);
}

template <HeapUnderTest Heap>
using MakeWorkload = std::unique_ptr<Workload> (*)(const Parameters&, const Capabilities<Heap>&);

/// What a workload is looked at for.
enum class Family { kFastPath, kServers, kLongAndLarge, kMemory, kCaches };

/// "fast path", …, as `list` and the documents head them.
std::string_view family_name(Family family);

unsigned single_thread(const Parameters&);
/// For workloads with a parameter `threads`.
unsigned threads_parameter(const Parameters& parameters);
std::string reject_nothing(const Parameters&);

struct WorkloadDescriptor {
  std::string_view name;
  Family family;
  std::string_view models;
  std::string_view does_not_model;
  std::span<const ParameterDescriptor> parameters;
  // What can be measured of it, beside what can of all.
  bool has_requests = false;        // it asks its pacers: pass open_loop
  bool shows_live_objects = false;  // visit_live: pass fragmentation
  bool starts_threads = false;      // inside the region: the C library calls the heap for them
  bool only_memory = false;         // its time says nothing about an allocator
  unsigned (*threads)(const Parameters&) = single_thread;
  std::uint64_t (*operations_per_batch)(const Parameters&) = nullptr;
  /// Operations that go once over the working set: whatever is touched again is touched within
  /// them. nullptr: a batch does.
  std::uint64_t (*operations_per_pass)(const Parameters&) = nullptr;
  /// Largest sum of live objects and tables, for the check against the machine's memory.
  Bytes (*footprint)(const Parameters&) = nullptr;
  /// Empty, or why this combination of parameters makes no sense and what to do.
  std::string (*reject)(const Parameters&) = reject_nothing;
  MakeWorkload<PlainHeap> make_plain = nullptr;
  MakeWorkload<TimedHeap> make_timed = nullptr;
  MakeWorkload<CheckedHeap> make_checked = nullptr;
};

/// Why a pass cannot be made over a workload, in a sentence; empty if it can.
std::string why_not(const WorkloadDescriptor& workload, const Pass& pass);

/// The table of all workloads, the only list of their names.
std::span<const WorkloadDescriptor* const> all_workloads();

/// The workload of that name, or nullptr.
const WorkloadDescriptor* find_workload(std::string_view name);

/// Throws UsageError where the workload has no such parameter.
const ParameterDescriptor& find_parameter(const WorkloadDescriptor& workload, std::string_view key);

/// All parameters with the spec's values over the defaults. Throws UsageError for an unknown
/// workload or key, a value that is no number or word of the parameter's, out of range or rejected
/// by the workload.
Parameters resolve_parameters(const Spec& spec);

/// The descriptor's factory for a type of heap.
template <HeapUnderTest Heap>
MakeWorkload<Heap> factory(const WorkloadDescriptor& workload) {
  if constexpr (std::is_same_v<Heap, PlainHeap>) {
    return workload.make_plain;
  } else if constexpr (std::is_same_v<Heap, TimedHeap>) {
    return workload.make_timed;
  } else {
    return workload.make_checked;
  }
}

}  // namespace heapwise
