// The free runs of one kind, in bins by length, answering "the shortest run of at least n slices".
//
//   bins 0 … 31     exactly 1 … 32 slices
//   bins 32 …       four bins a doubling
//
// Invariants: a bin's bit in `occupied_` is set exactly when its list is not empty; every run in
// bin b has bin_of(run.slices) == b. Guarded by the lock of the RunHeap it belongs to.
#pragma once

#include <cstddef>
#include <cstdint>

#include "allocators/reference/run.h"

namespace refmalloc {

class RunSet {
 public:
  constexpr RunSet() = default;

  void insert(Run& run) noexcept;
  void remove(Run& run) noexcept;

  // Of the shortest runs that are long enough one at the lowest address; nullptr when none is.
  // Looks at no more than kMostCandidates runs of a bin.
  [[nodiscard]] Run* best_fit(std::size_t slices) const noexcept;

  [[nodiscard]] std::size_t slices() const noexcept { return slices_; }
  [[nodiscard]] bool is_valid() const noexcept;

 private:
  static constexpr std::size_t kExactBins = 32;
  static constexpr std::size_t kBins = 192;
  static constexpr int kMostCandidates = 64;

  static std::size_t bin_of(std::size_t slices) noexcept;
  [[nodiscard]] std::size_t next_occupied(std::size_t bin) const noexcept;
  [[nodiscard]] Run* shortest_in(std::size_t bin, std::size_t slices) const noexcept;

  Run* bins_[kBins] = {};
  std::uint64_t occupied_[kBins / kWordBits] = {};
  std::size_t slices_ = 0;
};

}  // namespace refmalloc
