// Two clocks: a cycle counter for brackets of nanoseconds, CLOCK_MONOTONIC for everything longer.
#pragma once

#include <ctime>

#include "bench/core/units.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace heapwise {

/// Counter units; only differences mean anything. TickScale turns them into nanoseconds.
using Ticks = std::uint64_t;

inline Nanoseconds read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return {static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
          static_cast<std::uint64_t>(now.tv_nsec)};
}

inline Nanoseconds monotonic_now() {
  return read_clock(CLOCK_MONOTONIC);
}

#if defined(__x86_64__)
/// Opens a bracket: nothing before it is still under way, nothing after it has begun.
inline Ticks bracket_opens() {
  _mm_lfence();
  const Ticks ticks = __rdtsc();
  _mm_lfence();
  return ticks;
}

/// Closes a bracket: everything inside has been carried out.
inline Ticks bracket_closes() {
  _mm_lfence();
  return __rdtsc();
}
#else
inline Ticks bracket_opens() {
  return monotonic_now().value;
}
inline Ticks bracket_closes() {
  return monotonic_now().value;
}
#endif

/// Nanoseconds in one tick, measured against CLOCK_MONOTONIC over about 20 ms at first use.
double nanoseconds_per_tick();

/// Median length in nanoseconds of a bracket around nothing: the floor under every timed call.
double bracket_floor_ns();

}  // namespace heapwise
