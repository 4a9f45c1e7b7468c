#include "bench/run/lockstep.h"

#include "bench/core/random.h"

namespace heapwise {
namespace {

/// Keeps the order of turns apart from the workload's own random stream, which has the same seed.
constexpr std::uint64_t kTurnsStream = 0x7475726e73;

class Lockstep {
 public:
  Lockstep(const std::array<WorkerCall, 2>& calls, Interrupt& interrupt)
      : workers_{Worker(calls[0], interrupt), Worker(calls[1], interrupt)} {}

  bool begin() {
    for (std::size_t i = 0; i < workers_.size(); ++i) failed_[i] = !workers_[i].becomes_ready();
    if (failed_[0] || failed_[1]) return false;
    for (std::size_t i = 0; i < workers_.size(); ++i) failed_[i] = !workers_[i].go();
    return !failed_[0] && !failed_[1];
  }

  bool take_turns(std::uint64_t slices_count, std::uint64_t seed) {
    Random random(SplitMix64(seed ^ kTurnsStream).next());
    for (std::uint64_t slice = 0; slice < slices_count; ++slice) {
      const auto first = static_cast<std::size_t>(random.below(2));
      if (!take_turn(first) || !take_turn(1 - first)) return false;
    }
    return true;
  }

  void hear_figures() {
    for (auto& worker : workers_) worker.hear_figures();
  }

  std::array<LockstepEnd, 2> finish() {
    std::array<LockstepEnd, 2> ends;
    for (std::size_t i = 0; i < ends.size(); ++i) ends[i] = {workers_[i].finish(), failed_[i]};
    return ends;
  }

 private:
  bool take_turn(std::size_t index) {
    failed_[index] = !workers_[index].take_turn();
    if (failed_[index]) workers_[index].hear_figures();  // which say why, if it still can
    return !failed_[index];
  }

  std::array<Worker, 2> workers_;
  std::array<bool, 2> failed_{};
};

}  // namespace

std::array<LockstepEnd, 2> run_in_lockstep(const std::array<WorkerCall, 2>& calls,
                                           std::uint64_t slices_count, std::uint64_t seed,
                                           Interrupt& interrupt) {
  Lockstep pair(calls, interrupt);
  if (pair.begin() && pair.take_turns(slices_count, seed)) pair.hear_figures();
  return pair.finish();
}

}  // namespace heapwise
