#include "allocators/reference/run_set.h"

namespace refmalloc {

std::size_t RunSet::bin_of(std::size_t slices) noexcept {
  if (slices <= kExactBins) return slices - 1;
  constexpr std::size_t kExactLog = 5;
  const auto log = static_cast<std::size_t>(63 - __builtin_clzll(slices));
  return kExactBins + (log - kExactLog) * 4 + ((slices >> (log - 2)) & 3);
}

void RunSet::insert(Run& run) noexcept {
  const std::size_t bin = bin_of(run.slices);
  run.bin_previous = nullptr;
  run.bin_next = bins_[bin];
  if (bins_[bin] != nullptr) bins_[bin]->bin_previous = &run;
  bins_[bin] = &run;
  occupied_[bin / kWordBits] |= std::uint64_t{1} << (bin % kWordBits);
  slices_ += run.slices;
}

void RunSet::remove(Run& run) noexcept {
  const std::size_t bin = bin_of(run.slices);
  if (run.bin_next != nullptr) run.bin_next->bin_previous = run.bin_previous;
  if (run.bin_previous != nullptr) {
    run.bin_previous->bin_next = run.bin_next;
  } else {
    bins_[bin] = run.bin_next;
    if (run.bin_next == nullptr) {
      occupied_[bin / kWordBits] &= ~(std::uint64_t{1} << (bin % kWordBits));
    }
  }
  slices_ -= run.slices;
}

std::size_t RunSet::next_occupied(std::size_t bin) const noexcept {
  for (std::size_t word = bin / kWordBits; word < kBins / kWordBits; ++word) {
    std::uint64_t bits = occupied_[word];
    if (word == bin / kWordBits) bits &= ~std::uint64_t{0} << (bin % kWordBits);
    if (bits != 0) return word * kWordBits + static_cast<std::size_t>(__builtin_ctzll(bits));
  }
  return kBins;
}

Run* RunSet::shortest_in(std::size_t bin, std::size_t slices) const noexcept {
  Run* best = nullptr;
  int candidates = 0;
  for (Run* run = bins_[bin]; run != nullptr && candidates < kMostCandidates; run = run->bin_next) {
    ++candidates;
    if (run->slices < slices) continue;
    if (best == nullptr || run->slices < best->slices ||
        (run->slices == best->slices && run->start < best->start)) {
      best = run;
    }
  }
  return best;
}

Run* RunSet::best_fit(std::size_t slices) const noexcept {
  const std::size_t first = bin_of(slices);
  for (std::size_t bin = next_occupied(first); bin < kBins; bin = next_occupied(bin + 1)) {
    Run* const run = shortest_in(bin, slices);
    if (run != nullptr) return run;
  }
  return nullptr;
}

bool RunSet::is_valid() const noexcept {
  std::size_t slices = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const bool occupied = (occupied_[bin / kWordBits] >> (bin % kWordBits) & 1) != 0;
    if (occupied != (bins_[bin] != nullptr)) return false;
    const Run* previous = nullptr;
    for (const Run* run = bins_[bin]; run != nullptr; run = run->bin_next) {
      if (bin_of(run->slices) != bin || run->bin_previous != previous) return false;
      if (run->state == RunState::kUsed) return false;
      slices += run->slices;
      previous = run;
    }
  }
  return slices == slices_;
}

}  // namespace refmalloc
