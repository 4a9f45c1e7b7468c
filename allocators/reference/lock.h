// A mutual exclusion lock of one word that needs no set-up and no memory of its own.
//
//   0 free   1 held   2 held, and somebody sleeps in the kernel for it
//
// Invariants: only the holder leaves state 1 or 2; a sleeper is always matched by state 2. After a
// fork the child, whose other threads are gone, makes every lock free with `reset`.
//
// During a fork one thread holds all locks. Fork handlers of the program that run meanwhile may
// allocate: for that thread a LockGuard guards nothing.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "allocators/reference/os.h"

namespace refmalloc {

class Lock {
 public:
  constexpr Lock() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  void lock() noexcept {
    std::uint32_t free_state = 0;
    if (!state_.compare_exchange_strong(free_state, 1, std::memory_order_acquire)) lock_slowly();
  }

  bool try_lock() noexcept {
    std::uint32_t free_state = 0;
    return state_.compare_exchange_strong(free_state, 1, std::memory_order_acquire);
  }

  void unlock() noexcept {
    if (state_.exchange(0, std::memory_order_release) == 2) os::wake_one(state_);
  }

  void reset() noexcept { state_.store(0, std::memory_order_release); }

  [[nodiscard]] bool is_held() const noexcept {
    return state_.load(std::memory_order_relaxed) != 0;
  }

 private:
  // Critical sections are a batch long, so a short spin nearly always spares the system call.
  static constexpr int kSpins = 100;

  void lock_slowly() noexcept {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (state_.load(std::memory_order_relaxed) == 0 && try_lock()) return;
      os::relax();
    }
    while (state_.exchange(2, std::memory_order_acquire) != 0) os::wait_while(state_, 2);
  }

  std::atomic<std::uint32_t> state_{0};
};

// The thread that holds all locks for a fork; 0 is no thread.
inline constinit std::atomic<pthread_t> forking_thread{0};

class [[nodiscard]] LockGuard {
 public:
  explicit LockGuard(Lock& lock) noexcept : lock_(held_for_fork() ? nullptr : &lock) {
    if (lock_ != nullptr) lock_->lock();
  }
  ~LockGuard() {
    if (lock_ != nullptr) lock_->unlock();
  }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  static bool held_for_fork() noexcept {
    const pthread_t forking = forking_thread.load(std::memory_order_relaxed);
    return forking != 0 && pthread_equal(forking, pthread_self()) != 0;
  }

  Lock* const lock_;
};

}  // namespace refmalloc
