// The whole contract with the operating system: every system call of the allocator is made here.
//
// Raw system calls only, so that a program that interposes mmap cannot re-enter the allocator.
// No function changes errno: success and failure are told by the returned value, and the interface
// alone decides what errno its caller sees. All sizes are multiples of kSliceBytes.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace refmalloc::os {

class ErrnoKeeper {
 public:
  ErrnoKeeper() noexcept : saved_(errno) {}
  ~ErrnoKeeper() { errno = saved_; }
  ErrnoKeeper(const ErrnoKeeper&) = delete;
  ErrnoKeeper& operator=(const ErrnoKeeper&) = delete;

 private:
  int saved_;
};

// What was asked of the kernel since the start, and what is mapped now.
struct Counters {
  std::atomic<std::uint64_t> mmap_count{0};
  std::atomic<std::uint64_t> munmap_count{0};
  std::atomic<std::uint64_t> madvise_count{0};
  std::atomic<std::uint64_t> mremap_count{0};
  std::atomic<std::uint64_t> mapped_bytes{0};
};
extern constinit Counters counters;

// Fresh zeroed private memory at a multiple of `alignment`, a power of two of at least kSliceBytes,
// at `wish` if there is room and the wish is aligned. nullptr when the kernel refuses.
void* map(std::size_t bytes, std::size_t alignment, void* wish = nullptr) noexcept;

// Gives the range back for good. false when the kernel refuses (its limit on mappings would be
// passed); the pages have then been dropped if that was possible, the addresses are lost.
bool unmap(void* start, std::size_t bytes) noexcept;

// Drops the pages; the range stays usable and reads as zero. false when refused (locked memory):
// the contents are then unchanged.
bool purge(void* start, std::size_t bytes) noexcept;

// Asks for huge pages behind the range or for none. false when the kernel knows none; the range is
// then as usable as before.
bool advise_huge(void* start, std::size_t bytes, bool huge) noexcept;

// Lets the kernel drop the pages when it needs memory: until then, or until they are written to,
// they hold what they held. false when refused.
bool purge_lazily(void* start, std::size_t bytes) noexcept;

// Makes the mapping longer or shorter at its place. false: nothing changed.
bool resize_in_place(void* start, std::size_t old_bytes, std::size_t new_bytes) noexcept;

// Untouched addresses, aligned as in `map`, as the target of `move`.
void* reserve(std::size_t bytes, std::size_t alignment) noexcept;
void unreserve(void* start, std::size_t bytes) noexcept;

// Moves the pages of a mapping onto a reserved, longer range without copying; what is added is
// zero. The old addresses are gone. false: nothing changed.
bool move(void* start, std::size_t old_bytes, void* reserved, std::size_t new_bytes) noexcept;

// How many CPUs this process may run on, at least 1.
unsigned cpus() noexcept;

// A clock of a few milliseconds' grain that costs no system call.
std::uint64_t coarse_nanoseconds() noexcept;

void write_to_stderr(const char* text, std::size_t length) noexcept;

// Sleeps while `word` holds `value`, so many nanoseconds at most (0: without end); may return
// early.
void wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value,
                std::uint64_t most_ns = 0) noexcept;
void wake_one(std::atomic<std::uint32_t>& word) noexcept;

// Tells the CPU that this is a spin.
inline void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

}  // namespace refmalloc::os
