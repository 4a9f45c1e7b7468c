#include "allocators/reference/purger.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>

#include "allocators/reference/large_objects.h"
#include "allocators/reference/options.h"
#include "allocators/reference/os.h"
#include "allocators/reference/thread_registry.h"

namespace refmalloc {

constinit Purger purger;

// Between a thousand and ten times a second.
std::uint64_t Purger::interval_ns() noexcept {
  const std::uint64_t tenth_ms = options.get(Option::kDecayMs) / 10;
  return std::clamp<std::uint64_t>(tenth_ms, 1, 100) * 1'000'000;
}

void Purger::look(std::uint64_t now_ns) noexcept {
  for (unsigned i = 0; i < thread_registry.arenas_in_use(); ++i) {
    arenas[i].collect_remote();
    arenas[i].runs().decay(now_ns);
  }
  large_objects.decay(now_ns);
}

void Purger::tick(std::uint64_t now_ns) noexcept {
  if (state_.load(std::memory_order_relaxed) == kAwake) return;
  std::uint64_t next_ns = next_look_ns_.load(std::memory_order_relaxed);
  if (now_ns < next_ns) return;
  if (!next_look_ns_.compare_exchange_strong(next_ns, now_ns + interval_ns(),
                                             std::memory_order_relaxed)) {
    return;
  }
  if (!lock_.try_lock()) return;
  look(now_ns);
  lock_.unlock();
}

bool Purger::purge_all() noexcept {
  const LockGuard guard(lock_);
  bool any = large_objects.drop_cache();
  for (unsigned i = 0; i < thread_registry.arenas_in_use(); ++i) {
    arenas[i].collect_remote();
    any |= arenas[i].runs().purge_all();
  }
  return any;
}

std::size_t Purger::returnable_bytes() noexcept {
  const std::size_t kept = options.get(Option::kTrimThreshold) >> kSliceShift;
  std::size_t slices = 0;
  for (unsigned i = 0; i < thread_registry.arenas_in_use(); ++i) {
    const std::size_t dirty = arenas[i].runs().dirty_slices();
    slices += dirty > kept ? dirty - kept : 0;
  }
  return (slices << kSliceShift) + large_objects.usage().cached_bytes;
}

// That no wake-up is lost follows from the locks of what returnable_bytes reads: either `rest` has
// read it after this thread freed, or this thread has freed after `rest` went to sleep and sees
// that.
void Purger::notice() noexcept {
  if (options.get(Option::kBackground) == 0) return;
  std::uint32_t state = state_.load(std::memory_order_relaxed);
  if (state == kAwake || state == kRefused) return;
  // A thread that is started by a fork handler would be missing in the child.
  if (forking_thread.load(std::memory_order_relaxed) != 0) return;
  if (returnable_bytes() < (state == kAbsent ? kWorthAThreadBytes : kSliceBytes)) return;
  const bool absent = state == kAbsent;
  if (!state_.compare_exchange_strong(state, kAwake, std::memory_order_acq_rel)) return;
  if (!absent) {
    os::wake_one(state_);
  } else if (!start_thread()) {
    state_.store(kRefused, std::memory_order_relaxed);
  }
}

// pthread_create allocates, which comes back to `notice` and finds the state awake already.
bool Purger::start_thread() noexcept {
  constexpr std::size_t kStackBytes = std::size_t{256} << 10;
  const os::ErrnoKeeper keeper;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const auto body = [](void* self) -> void* { static_cast<Purger*>(self)->serve(); };
  const bool started = pthread_create(&thread, &attributes, body, this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return started;
}

void Purger::serve() noexcept {
  pthread_setname_np(pthread_self(), "refmalloc");
  std::size_t least = SIZE_MAX;
  unsigned fruitless = 0;
  for (;;) {
    {
      const LockGuard guard(lock_);
      look(os::coarse_nanoseconds());
    }
    const std::size_t left = returnable_bytes();
    fruitless = left < least ? 0 : fruitless + 1;
    least = left;
    if (left == 0 || fruitless == kFruitlessLooks) {
      rest(left > 0);
      least = SIZE_MAX;
    } else {
      os::wait_while(state_, kAwake, interval_ns());
    }
  }
}

void Purger::rest(bool fruitless) noexcept {
  state_.store(kAsleep, std::memory_order_seq_cst);
  if (!fruitless && returnable_bytes() > 0) {
    std::uint32_t asleep = kAsleep;
    state_.compare_exchange_strong(asleep, kAwake, std::memory_order_acq_rel);
    return;
  }
  while (state_.load(std::memory_order_acquire) == kAsleep) os::wait_while(state_, kAsleep);
}

}  // namespace refmalloc
