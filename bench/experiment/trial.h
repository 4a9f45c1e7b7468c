// Tries something in a fork of the experiment, because it may end the process, hang, or leave the
// heap other than it was. What the fork found out lies in memory that both share; what it told
// through Report is told as if the experiment had.
#pragma once

#include <stdlib.h>

#include <cstddef>

#include "bench/experiment/report.h"

namespace heapwise {

inline constexpr int kTrialMilliseconds = 3000;  // what takes longer hangs
inline constexpr std::size_t kLongestMessage = 200;

struct TrialEnd {
  bool timed_out = false;
  int exit_code = 0;                   // when it ended by itself
  int signal = 0;                      // that ended it; 0: none
  char message[kLongestMessage] = {};  // the first line in words that it wrote to standard error

  bool ended_well() const { return !timed_out && exit_code == 0 && signal == 0; }
};

/// Calls `act(context)` in a fork without core dumps; returning from it is ending well. The fork is
/// killed when its time is over. Where no fork can be made it counts as timed out.
TrialEnd try_in_fork_of(void (*act)(void* context), void* context, int milliseconds);

template <class Act>
TrialEnd try_in_fork(Act act, int milliseconds = kTrialMilliseconds) {
  return try_in_fork_of([](void* context) { (*static_cast<Act*>(context))(); }, &act, milliseconds);
}

/// "hang", "abort", "SIGSEGV", "exit 1"; `if_well` when it ended well.
void word_of_end(const TrialEnd& end, const char* if_well, char* word, std::size_t capacity);

/// Tells text NAME, the word of its end, and, where there is a message, text NAME_message.
/// Addresses in the message become 0x….
void tell_end(Report& report, const char* name, const TrialEnd& end, const char* if_well);

/// The signal that ended the attempt; 0: it came back. Refuses where there can be no fork.
int signal_of_attempt(Report& report, void (*attempt)(void*), void* argument);

/// Reads the byte at `address`, or writes to it, in a fork: the signal that this costs; 0: none. Of
/// memory that is shared the byte written stays.
int signal_of_read(Report& report, const void* address);
int signal_of_write(Report& report, const void* address);

/// Zeroed memory that forks share with their parent, and never from malloc. Refuses where there is
/// none.
void* shared_memory(Report& report, std::size_t size_bytes);

/// The same pointer, of which the compiler knows nothing: neither that it was freed nor how large
/// the object is.
template <class T>
T* unknown(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

}  // namespace heapwise
