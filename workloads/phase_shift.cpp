// phase_shift
//
// Models: a program whose work changes its kind: it parses, then computes, then renders; a service
// whose mix of requests turns. Each phase has sizes of its own and makes its objects while those of
// the phases before die one by one; some of them stay. Memory that was cut up for one size has to
// serve another. The range from `min` to `max` is cut into `phases` bands of equal ratio, one for
// each phase, small ones first; after the last comes the first again. In three phases of 16 bytes
// to 64K that is 16 to 256 bytes, 256 bytes to 4K, 4K to 64K.
//
// Does not model: phases that end with nothing alive, idle time between phases, lifetimes that go
// with the size, threads.
//
// Parameters and their source: the suite's own choice, not taken from a trace. A tenth of the bytes
// stays over each phase, random objects, so that hardly a page is free of them. 16M is far above
// the caches; six times round three phases shows whether memory rises from round to round.
//
// How to read the result: live bytes are constant, so RSS over them is what the allocator could not
// turn over from one size to the next. The region begins in the first band, with a set of its sizes
// alone; each point of the timeline is RSS after a phase. RSS that is as high the second time round
// as the first has settled; RSS that climbs on ratchets. The pass fragmentation splits what is
// there at the end.
//
// An operation is a whole phase (a batch, too): mallocs with a write into each page until
// 100 - `overlap` per cent of `live` are fresh, each behind the frees of as many random older
// objects as make room for it. Phases of small objects have far more calls than others: compare
// whole rounds.

#include <cmath>

#include "workloads/byte_bounded_set.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kFewestLargest = 4;  // objects of the largest size that `live` has to hold

constexpr ParameterDescriptor kParameters[] = {
    {"live", ParameterUnit::kBytes, 16 << 20, 4 << 10, 1ULL << 36, "bytes alive at any time"},
    {"min", ParameterUnit::kBytes, 16, 1, 1 << 30, "smallest size of the first phase"},
    {"max", ParameterUnit::kBytes, 64 << 10, 1, 1 << 30, "largest size of the last phase"},
    {"phases", ParameterUnit::kCount, 3, 2, 16, "phases until the first comes again"},
    {"overlap", ParameterUnit::kCount, 10, 0, 90,
     "per cent of the live bytes that stay over a phase"},
    {"operations", ParameterUnit::kCount, 18, 1, 1'000'000'000'000, "phases measured"},
};

/// The end between band `index` - 1 and band `index`, counted from 0.
std::uint64_t band_end(const Parameters& parameters, std::uint64_t index) {
  const auto minimum = static_cast<double>(parameters.at("min"));
  const auto ratio = static_cast<double>(parameters.at("max")) / minimum;
  const auto place = static_cast<double>(index) / static_cast<double>(parameters.at("phases"));
  return static_cast<std::uint64_t>(std::llround(minimum * std::pow(ratio, place)));
}

SetLimits limits(const Parameters& parameters) {
  const auto live = parameters.at("live");
  const auto objects = most_objects(live, band_end(parameters, 0), band_end(parameters, 1));
  return {.bytes = live, .objects = objects, .steps = 2 * objects};
}

template <HeapUnderTest Heap>
class PhaseShift final : public ByteBoundedWorkload<Heap> {
 public:
  PhaseShift(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : ByteBoundedWorkload<Heap>(limits(parameters), capabilities),
        fresh_bytes_(limits_.bytes * (100 - parameters.at("overlap")) / 100) {
    for (std::uint64_t i = 0; i < parameters.at("phases"); ++i) {
      bands_.emplace_back(band_end(parameters, i), band_end(parameters, i + 1));
    }
  }

  // The first band's objects alone: the region begins with the turn to the second.
  void warm_up() override {
    plan_phase(limits_.bytes);
    set_.run();
  }

  void prepare_batch() override {
    plan_phase(fresh_bytes_);
    ++operations_count_;
  }

  Bytes table_bytes() const override {
    return {ByteBoundedWorkload<Heap>::table_bytes().value + bands_.size() * sizeof(LogUniform)};
  }

 private:
  using ByteBoundedWorkload<Heap>::limits_;
  using ByteBoundedWorkload<Heap>::random_;
  using ByteBoundedWorkload<Heap>::set_;
  using ByteBoundedWorkload<Heap>::operations_count_;

  void plan_phase(std::uint64_t fresh_bytes) {
    const auto& band = bands_[next_band_];
    next_band_ = (next_band_ + 1) % bands_.size();
    set_.age();
    for (auto left = fresh_bytes;;) {
      const auto size = static_cast<std::uint32_t>(band.draw(random_));
      if (size > left || !set_.has_slot()) return;
      set_.plan_object(size, random_);
      left -= size;
    }
  }

  std::uint64_t fresh_bytes_;      // that a phase makes
  std::vector<LogUniform> bands_;  // of each phase
  std::size_t next_band_ = 0;
};

std::uint64_t operations_per_batch(const Parameters&) {
  return 1;
}

std::uint64_t operations_per_pass(const Parameters& parameters) {
  return parameters.at("phases");
}

Bytes footprint(const Parameters& parameters) {
  const auto set = limits(parameters);
  return {set.bytes + ByteBoundedSet<PlainHeap>::table_bytes(set).value +
          parameters.at("phases") * sizeof(LogUniform)};
}

std::string reject(const Parameters& parameters) {
  const auto min = parameters.at("min");
  const auto max = parameters.at("max");
  if (max < 2 * min) {
    return "max " + format_scaled(max) + " is below twice min " + format_scaled(min) +
           "; the phases would hardly differ; set them further apart";
  }
  const auto least = kFewestLargest * max;
  if (parameters.at("live") < least) {
    return "live " + format_scaled(parameters.at("live")) + " is below " + format_scaled(least) +
           ", a few objects of the largest size; set a larger live or a smaller max";
  }
  return {};
}

}  // namespace

extern const WorkloadDescriptor kPhaseShift;
constinit const WorkloadDescriptor kPhaseShift = describe<PhaseShift>({
    .name = "phase_shift",
    .family = Family::kMemory,
    .models = "phases of other sizes in turn, each making its objects while the last ones' die",
    .does_not_model = "phases that end with nothing alive, idle time, threads",
    .parameters = kParameters,
    .shows_live_objects = true,
    .only_memory = true,
    .operations_per_batch = operations_per_batch,
    .operations_per_pass = operations_per_pass,
    .footprint = footprint,
    .reject = reject,
});

}  // namespace heapwise
