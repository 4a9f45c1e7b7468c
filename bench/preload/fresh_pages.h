// Memory that is touched to cause minor page faults, exactly one for each page asked for, and given
// back when it is used up.
//
//   | room 0: 64 pages | room 1 | ... | room 15 |      mapped once, at load
//     touched in order; when all are, the room is emptied and begins anew
//
// A thread takes the first room that no other is in, so as many are resident as threads fault at
// once. There is no lock to wait for and nothing that a thread's end or a fork must put in order: a
// room that a forked child has lost with its owner is one of many.
#pragma once

#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "bench/preload/interposition.h"

namespace heapwise {

class FreshPages {
 public:
  /// Before any touch(), where there is one thread. False when the system gives no memory.
  bool map() {
    page_bytes_ = getauxval(AT_PAGESZ);
    const std::size_t length = kRoomsCount * room_bytes();
    auto* mapped = static_cast<std::byte*>(
        raw::map_memory(length, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE));
    if (mapped == nullptr) return false;
    madvise(mapped, length, MADV_NOHUGEPAGE);  // refused only where there are no huge pages
    for (std::size_t i = 0; i < kRoomsCount; ++i) rooms_[i].begins = mapped + i * room_bytes();
    return true;
  }

  /// Any thread. The process stops when memory cannot be given back: the faults would be too few.
  void touch(std::uint64_t pages) {
    Room& room = enter_a_room();
    for (; pages > 0; --pages) touch_next(room);
    room.is_taken.store(false, std::memory_order_release);
  }

 private:
  static constexpr std::size_t kRoomsCount = 16;
  static constexpr std::size_t kPagesInRoom = 64;

  struct alignas(64) Room {
    std::atomic<bool> is_taken{false};
    std::size_t touched = 0;
    std::byte* begins = nullptr;
  };

  std::size_t room_bytes() const { return kPagesInRoom * page_bytes_; }

  Room& enter_a_room() {
    for (std::size_t i = 0;; i = (i + 1) % kRoomsCount) {
      if (!rooms_[i].is_taken.exchange(true, std::memory_order_acquire)) return rooms_[i];
      if (i + 1 == kRoomsCount) sched_yield();
    }
  }

  void touch_next(Room& room) {
    if (room.touched == kPagesInRoom) empty(room);
    volatile std::byte* page = room.begins + room.touched++ * page_bytes_;
    *page = std::byte{1};
  }

  void empty(Room& room) {
    if (madvise(room.begins, room_bytes(), MADV_DONTNEED) != 0) {
      stop_process("heapwise: cannot give injected pages back; run without mlockall(2)\n");
    }
    room.touched = 0;
  }

  std::size_t page_bytes_ = 0;
  Room rooms_[kRoomsCount];
};

}  // namespace heapwise
