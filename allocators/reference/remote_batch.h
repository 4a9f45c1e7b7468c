// Frees into slabs of other arenas, gathered so that neighbours in one bitmap word travel together.
//
//   cells_[hash of slab and word] = {slab, word, objects as bits}
//
// A cell that another slab or word claims is delivered at once; the rest when the batch ends.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocators/reference/message.h"
#include "allocators/reference/slab.h"

namespace refmalloc {

class RemoteBatch {
 public:
  using QueueSlab = void (*)(Slab&) noexcept;

  // What was delivered is added to `batches_count` at the end. `queue` is called for each slab that
  // its owner does not yet know to have got objects.
  RemoteBatch(std::atomic<std::uint64_t>& batches_count, QueueSlab queue) noexcept
      : batches_count_(batches_count), queue_(queue) {}
  RemoteBatch(const RemoteBatch&) = delete;
  RemoteBatch& operator=(const RemoteBatch&) = delete;

  ~RemoteBatch() {
    for (Cell& cell : cells_) deliver(cell);
    if (delivered_ > 0) batches_count_.fetch_add(delivered_, std::memory_order_relaxed);
  }

  void add(Slab& slab, const void* object) noexcept {
    const std::size_t index = slab.index_of(object);
    const std::size_t word = index / kWordBits;
    const std::uint64_t bit = std::uint64_t{1} << (index % kWordBits);
    Cell& cell = cells_[(reinterpret_cast<std::uintptr_t>(&slab) / kTags + word) % kCells];
    if (cell.slab != &slab || cell.word != word) {
      deliver(cell);
      cell = {.slab = &slab, .word = word, .objects = 0};
    }
    if ((cell.objects & bit) != 0) [[unlikely]]
      abort_over("double free", object);
    cell.objects |= bit;
  }

 private:
  static constexpr std::size_t kCells = 16;

  struct Cell {
    Slab* slab = nullptr;
    std::size_t word = 0;
    std::uint64_t objects = 0;
  };

  void deliver(const Cell& cell) noexcept {
    if (cell.slab == nullptr) return;
    ++delivered_;
    if (cell.slab->deliver(cell.word, cell.objects)) queue_(*cell.slab);
  }

  std::atomic<std::uint64_t>& batches_count_;
  QueueSlab queue_;
  std::uint64_t delivered_ = 0;
  Cell cells_[kCells];
};

}  // namespace refmalloc
