#include "allocators/reference/os.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "allocators/reference/geometry.h"

namespace refmalloc::os {

constinit Counters counters;

namespace {

void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) noexcept {
  counter.fetch_add(by, std::memory_order_relaxed);
}

// Addresses that one thread gave back may be given to another by the kernel. That order is made
// visible to the memory model: `leaving` before addresses go, `arriving` after new ones came.
constinit std::atomic<std::uint32_t> departures{0};

void leaving() noexcept {
  departures.fetch_add(1, std::memory_order_release);
}
void arriving() noexcept {
  (void)departures.load(std::memory_order_acquire);
}

void* raw_map(std::size_t bytes, void* wish = nullptr) noexcept {
  count(counters.mmap_count);
  const long result = syscall(SYS_mmap, wish, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
  arriving();
  return result == -1 ? nullptr : reinterpret_cast<void*>(result);
}

bool raw_unmap(void* start, std::size_t bytes) noexcept {
  if (bytes == 0) return true;
  count(counters.munmap_count);
  leaving();
  return syscall(SYS_munmap, start, bytes) == 0;
}

// A range with the wanted alignment, by asking for more and giving back both ends. The kernel hands
// out neighbouring addresses, so the first plain try is nearly always aligned already.
void* map_aligned(std::size_t bytes, std::size_t alignment, void* wish = nullptr) noexcept {
  void* const plain = raw_map(bytes, wish);
  if (plain == nullptr || (reinterpret_cast<std::uintptr_t>(plain) & (alignment - 1)) == 0) {
    return plain;
  }
  raw_unmap(plain, bytes);
  if (bytes > SIZE_MAX - alignment) return nullptr;
  void* const wide = raw_map(bytes + alignment);
  if (wide == nullptr) return nullptr;
  const auto begin = reinterpret_cast<std::uintptr_t>(wide);
  const std::uintptr_t aligned = round_up(begin, alignment);
  raw_unmap(wide, aligned - begin);
  raw_unmap(reinterpret_cast<void*>(aligned + bytes), begin + alignment - aligned);
  return reinterpret_cast<void*>(aligned);
}

}  // namespace

void* map(std::size_t bytes, std::size_t alignment, void* wish) noexcept {
  const ErrnoKeeper keeper;
  void* const start = map_aligned(bytes, alignment, wish);
  if (start != nullptr) count(counters.mapped_bytes, bytes);
  return start;
}

bool unmap(void* start, std::size_t bytes) noexcept {
  const ErrnoKeeper keeper;
  if (raw_unmap(start, bytes)) {
    counters.mapped_bytes.fetch_sub(bytes, std::memory_order_relaxed);
    return true;
  }
  purge(start, bytes);
  return false;
}

bool purge(void* start, std::size_t bytes) noexcept {
  const ErrnoKeeper keeper;
  count(counters.madvise_count);
  return syscall(SYS_madvise, start, bytes, MADV_DONTNEED) == 0;
}

bool advise_huge(void* start, std::size_t bytes, bool huge) noexcept {
  const ErrnoKeeper keeper;
  count(counters.madvise_count);
  return syscall(SYS_madvise, start, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0;
}

bool purge_lazily(void* start, std::size_t bytes) noexcept {
  const ErrnoKeeper keeper;
  count(counters.madvise_count);
  return syscall(SYS_madvise, start, bytes, MADV_FREE) == 0;
}

bool resize_in_place(void* start, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  const ErrnoKeeper keeper;
  count(counters.mremap_count);
  leaving();
  if (syscall(SYS_mremap, start, old_bytes, new_bytes, 0) == -1) return false;
  arriving();
  count(counters.mapped_bytes, new_bytes - old_bytes);
  return true;
}

// mremap alone would choose an address that need not be aligned to a slice. The range counts as
// data (RLIMIT_DATA) like what will be moved there: mremap gives it up before it looks at that
// limit, and if it then failed, other threads could have got the addresses already.
void* reserve(std::size_t bytes, std::size_t alignment) noexcept {
  const ErrnoKeeper keeper;
  return map_aligned(bytes, alignment);
}

void unreserve(void* start, std::size_t bytes) noexcept {
  const ErrnoKeeper keeper;
  raw_unmap(start, bytes);
}

bool move(void* start, std::size_t old_bytes, void* reserved, std::size_t new_bytes) noexcept {
  const ErrnoKeeper keeper;
  count(counters.mremap_count);
  leaving();
  if (syscall(SYS_mremap, start, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, reserved) ==
      -1) {
    return false;
  }
  count(counters.mapped_bytes, new_bytes - old_bytes);
  return true;
}

unsigned cpus() noexcept {
  const ErrnoKeeper keeper;
  unsigned long mask[128] = {};
  const long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  int found = 0;
  for (long word = 0; word < bytes / static_cast<long>(sizeof mask[0]); ++word) {
    found += __builtin_popcountl(mask[word]);
  }
  return found > 0 ? static_cast<unsigned>(found) : 1;
}

std::uint64_t coarse_nanoseconds() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void write_to_stderr(const char* text, std::size_t length) noexcept {
  const ErrnoKeeper keeper;
  while (length > 0) {
    const long written = syscall(SYS_write, STDERR_FILENO, text, length);
    if (written <= 0) return;
    text += written;
    length -= static_cast<std::size_t>(written);
  }
}

void wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value,
                std::uint64_t most_ns) noexcept {
  const ErrnoKeeper keeper;
  timespec most{};
  most.tv_sec = static_cast<time_t>(most_ns / 1'000'000'000);
  most.tv_nsec = static_cast<long>(most_ns % 1'000'000'000);
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, most_ns == 0 ? nullptr : &most, nullptr, 0);
}

void wake_one(std::atomic<std::uint32_t>& word) noexcept {
  const ErrnoKeeper keeper;
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace refmalloc::os
