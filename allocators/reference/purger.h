// Who returns idle memory, and when: a look at everything ten times a half-life.
//
//   background=0   whichever thread comes by on a slow path when a look is due
//   background=1   a thread that does nothing else, so that an idle process returns memory too
//
//   absent ─▶ awake ◀─▶ asleep        absent ─▶ refused
//      notice      nothing to return       the system gives no thread
//
// The thread is started when there is enough to return for the first time: not by a constructor,
// and never in a small program. Awake it looks at every interval; asleep it waits without a time
// for a slow path to notice free memory. It has no signals and no magazines, allocates nothing, and
// ends with the process. A child of fork has none until it needs one.
//
// Invariants: whoever returns memory holds `lock`, which a fork takes before all others, so that no
// memory is on its way when the child begins; state is awake from before the thread exists.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocators/reference/lock.h"

namespace refmalloc {

class Purger {
 public:
  constexpr Purger() = default;

  // How long from one look to the next.
  [[nodiscard]] static std::uint64_t interval_ns() noexcept;

  // Called without locks on slow paths, with the time: looks if a look is due.
  void tick(std::uint64_t now_ns) noexcept;

  // Called without locks after whatever may have freed memory: sees to it that a thread returns it,
  // if there is to be one.
  void notice() noexcept;

  // Returns all free memory now. true when there was any.
  bool purge_all() noexcept;

  [[nodiscard]] Lock& lock() noexcept { return lock_; }

  // The thread is gone (in the child of a fork).
  void forget_thread() noexcept { state_.store(kAbsent, std::memory_order_relaxed); }

  [[nodiscard]] bool has_thread() const noexcept {
    const std::uint32_t state = state_.load(std::memory_order_relaxed);
    return state == kAwake || state == kAsleep;
  }

 private:
  // A futex word.
  static constexpr std::uint32_t kAbsent = 0;
  static constexpr std::uint32_t kAwake = 1;
  static constexpr std::uint32_t kAsleep = 2;
  static constexpr std::uint32_t kRefused = 3;

  // Less free memory is not worth a thread.
  static constexpr std::size_t kWorthAThreadBytes = std::size_t{1} << 20;
  // What so many looks cannot return (locked memory, say) is left alone until somebody frees more.
  static constexpr unsigned kFruitlessLooks = 100;

  static void look(std::uint64_t now_ns) noexcept;
  [[nodiscard]] static std::size_t returnable_bytes() noexcept;
  [[nodiscard]] bool start_thread() noexcept;
  [[noreturn]] void serve() noexcept;
  void rest(bool fruitless) noexcept;

  Lock lock_;
  std::atomic<std::uint32_t> state_{kAbsent};
  std::atomic<std::uint64_t> next_look_ns_{0};
};

extern constinit Purger purger;

}  // namespace refmalloc
