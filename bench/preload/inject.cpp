// libheapwise_inject.so: makes the allocator behind it worse by a known amount, to measure whether
// the suite's comparisons notice. Both sides of such a comparison have it in front; a dial that is
// not set, or 0, injects nothing and leaves the rest of the library's own cost as it is.
//
//   HEAPWISE_INJECT_TIME_SHARE=0.03         every thread's heap operations take 3 % more CPU time,
//                                           with what the program does between them (time_share.h)
//   HEAPWISE_INJECT_FAULTS_PER_MILLION=500  after n allocations of a thread floor(n * 500 / 10^6)
//                                           more minor page faults than it would have had
//   HEAPWISE_INJECT_RESIDENT_BYTES=1000000  as much more memory, in whole pages, from the first
//                                           heapwise_region_begins() until the process ends
//
// An allocation is a call that heap_calls.h calls one. The dials are independent, are read at load
// and inherited by children. A value that is no number, or out of range, ends the process with exit
// code 2: a dial that is set wrongly would pass for an allocator that the suite cannot tell apart.
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <ctime>
#include <string_view>

#include "bench/preload/fresh_pages.h"
#include "bench/preload/heap_calls.h"
#include "bench/preload/interposition.h"
#include "bench/preload/text_buffer.h"
#include "bench/preload/time_share.h"

namespace heapwise {
namespace {

struct SystemClock {
  static std::uint64_t now_ns() { return read(CLOCK_MONOTONIC); }
  static std::uint64_t cpu_ns() { return read(CLOCK_THREAD_CPUTIME_ID); }

 private:
  static std::uint64_t read(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
  }
};

using Hook = void();
using ThreadTimeShare = TimeShare<SystemClock>;

struct Dial {
  const char* variable;
  double most;
  const char* example;
};

constexpr int kExitMalformed = 2;
constexpr double kPartsPerUnit = 1e6;
constexpr Dial kTimeShare{"HEAPWISE_INJECT_TIME_SHARE", 1, "0.03"};
constexpr Dial kFaultsPerMillion{"HEAPWISE_INJECT_FAULTS_PER_MILLION", 1e9, "1280000"};
constexpr Dial kResidentBytes{"HEAPWISE_INJECT_RESIDENT_BYTES", 1e12, "1048576"};

// A fault, in millionths of the millionth that the rate counts in.
constexpr std::uint64_t kPartsPerFault = 1'000'000'000'000;
static_assert(kPartsPerUnit == ThreadTimeShare::kPartsPerShare);

// Written at load, where there is one thread; until then nothing is injected.
constinit std::uint64_t time_share_parts = 0;
constinit std::uint64_t fault_parts_per_allocation = 0;
constinit std::uint64_t resident_bytes = 0;
constinit FreshPages fresh_pages;
constinit Hook* next_region_begins = nullptr;
constinit std::atomic<bool> is_resident{false};

constinit thread_local ThreadTimeShare time_share_of_thread;
constinit thread_local std::uint64_t fault_parts_of_thread = 0;  // less than a fault

void pay_faults() {
  fault_parts_of_thread += fault_parts_per_allocation;
  if (fault_parts_of_thread < kPartsPerFault) return;
  fresh_pages.touch(fault_parts_of_thread / kPartsPerFault);
  fault_parts_of_thread %= kPartsPerFault;
}

[[noreturn]] void refuse(const Dial& dial, const char* value) {
  TextBuffer<1024> message;
  message.append("heapwise: ");
  message.append(dial.variable);
  message.append("=");
  message.append(std::string_view(value, strnlen(value, 256)));
  message.append(" is no number from 0 to ");
  message.append_number(static_cast<std::int64_t>(dial.most));
  message.append("; give one such as ");
  message.append(dial.example);
  message.append(", or leave it out\n");
  raw::write_once(STDERR_FILENO, message.text(), message.length());
  syscall(SYS_exit_group, kExitMalformed);
  __builtin_unreachable();
}

/// What the dial says; 0 when it is not set.
double read(const Dial& dial) {
  const char* value = getenv(dial.variable);
  if (value == nullptr) return 0;
  // What strtod(3) takes besides: blanks, signs, hexadecimal, nan and inf.
  const bool is_decimal =
      *value >= '0' && *value <= '9' && strspn(value, "0123456789.eE+-") == strlen(value);
  if (!is_decimal) refuse(dial, value);
  char* end = nullptr;
  const double number = strtod(value, &end);
  if (*end != '\0' || number > dial.most) refuse(dial, value);
  return number;
}

std::uint64_t parts(double number) {
  return static_cast<std::uint64_t>(number * kPartsPerUnit + 0.5);
}

void touch_resident_bytes() {
  const std::size_t page = getauxval(AT_PAGESZ);
  const std::size_t length = (resident_bytes + page - 1) / page * page;
  auto* mapped =
      static_cast<volatile std::byte*>(raw::map_memory(length, MAP_PRIVATE | MAP_ANONYMOUS));
  if (mapped == nullptr) {
    stop_process("heapwise: no memory for HEAPWISE_INJECT_RESIDENT_BYTES; ask for less\n");
  }
  madvise(const_cast<std::byte*>(mapped), length, MADV_NOHUGEPAGE);  // no page more than asked for
  for (std::size_t i = 0; i < length; i += page) mapped[i] = std::byte{1};
}

__attribute__((constructor)) void read_dials() {
  next_heap_ready();
  next_region_begins = find_next<Hook>("heapwise_region_begins");
  const double faults_per_million = read(kFaultsPerMillion);
  resident_bytes = static_cast<std::uint64_t>(read(kResidentBytes));
  time_share_parts = parts(read(kTimeShare));
  if (faults_per_million == 0) return;
  if (!fresh_pages.map()) stop_process("heapwise: no memory to inject page faults with\n");
  fault_parts_per_allocation = parts(faults_per_million);
}

}  // namespace

void heap_call_seen(HeapCallKind kind, std::size_t, const void*) {
  if (kind == HeapCallKind::kRelease) return;
  time_share_of_thread.allocates(time_share_parts);
  pay_faults();
}

void heap_call_bytes_corrected(std::size_t, std::size_t, const void*) {}

}  // namespace heapwise

// The worker's hook before its region, whose fault counters it reads afterwards. The null allocator
// may stand behind and have one too.
HEAPWISE_EXPORT void heapwise_region_begins() {
  if (heapwise::resident_bytes > 0 && !heapwise::is_resident.exchange(true)) {
    heapwise::touch_resident_bytes();
  }
  if (heapwise::next_region_begins != nullptr) heapwise::next_region_begins();
}
