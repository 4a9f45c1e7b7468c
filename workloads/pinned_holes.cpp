// pinned_holes
//
// Models: large buffers that come and go while each leaves something small behind: a request's
// buffer and its log entry, a file's contents and its name, an image and its thumbnail's record.
// The small object is made right after the buffer, so that it lies behind it wherever the two come
// from one place:
//
//     made     | buffer ............ |p| buffer ...... |p| buffer ......... |p|
//     freed    |        hole         |p|     hole      |p|      hole        |p|
//     refilled | o o o o o o o o o o |p| o o o ...     |p|                  |p|   or elsewhere?
//
// Then objects of another size are needed, which hold `refill` per cent of the buffers' bytes.
//
// Does not model: pins that are freed before the holes are needed, buffers that are made while
// others are refilled, idle time in which memory might be given back, threads.
//
// Parameters and their source: the suite's own choice, not taken from a trace. Buffers of 16K to
// 96K lie below glibc's first mmap threshold (128K, mallopt(3)), beyond which they leave no holes.
// 32 bytes are a list's node or a short string; the refill's 2000 are in none of the buffers'
// classes.
//
// How to read the result: at a round's end pins and refill are all that is live, and with a refill
// of 50 RSS over live bytes tells what became of the holes: about 1, the refill took them or they
// went back, and no more is kept; about 2, the rest of them is still there; about 3, they were
// neither used nor given back. With `refill=0` RSS at the end is the holes alone. The pass
// fragmentation then asks for them: unreturned would go, external is what the pins hold fast.
//
// An operation is a whole round (a batch, too): what is left of the round before is freed, buffers
// and pins are made, the buffers are freed in the order they were made in, the refill is made. Each
// page of each object is written. Nothing is warmed up, and one round is the default: on a fresh
// heap the pin lies where the picture shows it. In further rounds it goes wherever the allocator
// has a small piece left, which may be far from the holes; the timeline shows what that changes.

#include <algorithm>

#include "bench/core/distribution.h"
#include "workloads/table.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kPerCent = 100;
constexpr std::uint64_t kFewestBuffers = 4;  // of the largest size that `buffers` has to hold

constexpr ParameterDescriptor kParameters[] = {
    {"buffers", ParameterUnit::kBytes, 64 << 20, 64 << 10, 1ULL << 36, "bytes in buffers at once"},
    {"min", ParameterUnit::kBytes, 16 << 10, 4 << 10, 1 << 30, "smallest buffer"},
    {"max", ParameterUnit::kBytes, 96 << 10, 4 << 10, 1 << 30, "largest buffer"},
    {"pin", ParameterUnit::kBytes, 32, 1, 4 << 10, "size of what stays behind each buffer"},
    {"object", ParameterUnit::kBytes, 2000, 16, 1 << 30, "size of what is needed then"},
    {"refill", ParameterUnit::kCount, 50, 0, 200, "per cent of the buffers' bytes needed then"},
    {"operations", ParameterUnit::kCount, 1, 1, 1'000'000'000'000, "rounds measured"},
};

std::uint64_t most_buffers(const Parameters& parameters) {
  return parameters.at("buffers") / parameters.at("min") + 1;
}

std::uint64_t refill_objects(const Parameters& parameters) {
  return parameters.at("buffers") / kPerCent * parameters.at("refill") / parameters.at("object");
}

struct Buffer {
  void* address;
  std::uint64_t size;
};

Bytes table_bytes_of(std::uint64_t buffers, std::uint64_t objects) {
  return {buffers * (sizeof(Buffer) + sizeof(void*)) + objects * sizeof(void*)};
}

template <HeapUnderTest Heap>
class PinnedHoles final : public Workload {
 public:
  PinnedHoles(const Parameters& parameters, const Capabilities<Heap>& capabilities)
      : heap_(&capabilities.heaps.front()),
        random_(capabilities.random),
        buffer_bytes_(parameters.at("buffers")),
        pin_size_(parameters.at("pin")),
        object_size_(parameters.at("object")),
        sizes_(parameters.at("min"), parameters.at("max")),
        buffers_(most_buffers(parameters)),
        pins_(buffers_.size()),
        refill_(refill_objects(parameters)) {}

  void warm_up() override {}

  void prepare_batch() override {
    announce_frees();
    draw_buffers();
    ++demand_.operations_count;
    demand_.heap_calls_count += 3 * buffers_count_ + refill_.size();
    demand_.requested_bytes +=
        buffer_bytes_ + buffers_count_ * pin_size_ + refill_.size() * object_size_;
  }

  void run_batch() override {
    free_all();
    make_buffers_and_pins();
    for (std::size_t i = 0; i < buffers_count_; ++i) heap_->free(buffers_[i].address);
    for (auto& object : refill_) object = make(object_size_);
    refill_count_ = refill_.size();
  }

  void drain() override {
    announce_frees();
    free_all();
  }

  void visit_live(const LiveVisitor& visit) const override {
    for (std::size_t i = 0; i < pins_count_; ++i) visit(pins_[i], pin_size_);
    for (std::size_t i = 0; i < refill_count_; ++i) visit(refill_[i], object_size_);
  }

  HeapDemand demand() const override { return demand_; }
  Progress progress() const override {
    return {demand_.operations_count, pins_count_ * pin_size_ + refill_count_ * object_size_};
  }
  Bytes table_bytes() const override { return table_bytes_of(buffers_.size(), refill_.size()); }

 private:
  // Their sizes sum up to the bytes wanted; the last has what is left, be it less than `min`.
  void draw_buffers() {
    buffers_count_ = 0;
    for (auto left = buffer_bytes_; left != 0; left -= buffers_[buffers_count_++].size) {
      buffers_[buffers_count_].size = std::min(left, sizes_.draw(random_));
    }
  }

  void make_buffers_and_pins() {
    for (std::size_t i = 0; i < buffers_count_; ++i) {
      buffers_[i].address = make(buffers_[i].size);
      pins_[i] = make(pin_size_);
    }
    pins_count_ = buffers_count_;
  }

  void* make(std::uint64_t size) {
    void* object = heap_->allocate(size);
    heap_->first_write(object, size, Touch::kEveryPage);
    return object;
  }

  void announce_frees() { demand_.heap_calls_count += pins_count_ + refill_count_; }

  void free_all() {
    for (std::size_t i = 0; i < pins_count_; ++i) heap_->free(pins_[i]);
    for (std::size_t i = 0; i < refill_count_; ++i) heap_->free(refill_[i]);
    pins_count_ = 0;
    refill_count_ = 0;
  }

  Heap* heap_;
  Random random_;
  std::uint64_t buffer_bytes_;
  std::uint64_t pin_size_;
  std::uint64_t object_size_;
  LogUniform sizes_;
  std::vector<Buffer> buffers_;
  std::size_t buffers_count_ = 0;  // of the next round
  std::vector<void*> pins_;
  std::size_t pins_count_ = 0;  // alive
  std::vector<void*> refill_;
  std::size_t refill_count_ = 0;  // alive: none, or all between two batches
  HeapDemand demand_;
};

std::uint64_t operations_per_batch(const Parameters&) {
  return 1;
}

Bytes footprint(const Parameters& parameters) {
  const auto buffers = most_buffers(parameters);
  const auto objects = refill_objects(parameters);
  return {parameters.at("buffers") + buffers * parameters.at("pin") +
          objects * parameters.at("object") + table_bytes_of(buffers, objects).value};
}

std::string reject(const Parameters& parameters) {
  const auto buffers = parameters.at("buffers");
  const auto largest = parameters.at("max");
  if (buffers < kFewestBuffers * largest) {
    return "buffers " + format_scaled(buffers) + " is below " +
           format_scaled(kFewestBuffers * largest) +
           ", a few of the largest; set a larger buffers or a smaller max";
  }
  return reject_inverted_sizes(parameters);
}

}  // namespace

extern const WorkloadDescriptor kPinnedHoles;
constinit const WorkloadDescriptor kPinnedHoles = describe<PinnedHoles>({
    .name = "pinned_holes",
    .family = Family::kMemory,
    .models = "large buffers that are freed with a small object left behind each, then other sizes",
    .does_not_model = "pins that are freed first, idle time, threads",
    .parameters = kParameters,
    .shows_live_objects = true,
    .only_memory = true,
    .operations_per_batch = operations_per_batch,
    .footprint = footprint,
    .reject = reject,
});

}  // namespace heapwise
