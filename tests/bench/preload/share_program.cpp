// Uses glibc's malloc in one known way under libheapwise_share.so.
//
//   share_program threshold | calls | threads | fork | raw_fork | spawn
//     compares the account with what it knows. Exit code 0 when all agree, 1 and the first
//     difference otherwise, 2 without an account.
//   share_program touched | untouched | own_memory | neighbours | arenas | reused_heap | forked
//     prints the numbers of its processes and "; BYTES": how much of its resident memory is
//     malloc's by its own reckoning. Then it waits to be killed. 2: could not be brought about.
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <string>
#include <thread>
#include <vector>

#include "bench/preload/malloc_ranges.h"

#define AGREE(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: differs: %s\n", __FILE__, __LINE__, #condition); \
      _exit(1);                                                                \
    }                                                                          \
  } while (false)

namespace {

using heapwise::AddressRange;
using heapwise::MallocRanges;

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kChunkWord = 8;  // what glibc needs beside an object
constexpr std::size_t kMappedHeaderBytes = 16;
constexpr std::size_t kArenaHeapBytes = 64 * kMiB;
void* volatile escaped = nullptr;

// The account of one process, read as from outside. No heap: reading it must not change it.
class Account {
 public:
  explicit Account(pid_t process) {
    const char* folder = getenv("HEAPWISE_SHARE_FOLDER");
    if (folder == nullptr) _exit(2);
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.ranges", folder, process);
    const int file = open(path, O_RDONLY);
    is_there_ = file >= 0 && read(file, &ranges_, sizeof ranges_) == sizeof ranges_;
    close(file);
  }

  bool is_there() const { return is_there_; }
  const MallocRanges& ranges() const { return ranges_; }
  bool holds(const void* object) const {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    return std::any_of(std::begin(ranges_.mapped_objects), std::end(ranges_.mapped_objects),
                       [address](std::uint64_t slot) {
                         const AddressRange range = heapwise::unpack_range(slot);
                         return address >= range.begins && address < range.ends();
                       });
  }
  bool operator==(const Account& other) const {
    return memcmp(&ranges_, &other.ranges_, sizeof ranges_) == 0;
  }

 private:
  bool is_there_;
  MallocRanges ranges_;
};

// Static, as an account is too large for a stack and must not be in the heap.
const Account& account_of(pid_t process) {
  static std::aligned_storage_t<sizeof(Account), alignof(Account)> place;
  return *new (&place) Account(process);
}

std::int64_t live_bytes() {
  return account_of(getpid()).ranges().live_bytes;
}

std::int64_t usable(void* object) {
  return static_cast<std::int64_t>(malloc_usable_size(object));
}

// Not inlined: the compiler would know that no array begins before what malloc returned.
__attribute__((noinline)) bool is_mapped(const void* object) {
  return (static_cast<const std::size_t*>(object)[-1] & 2) != 0;
}

void* touched(void* object, std::size_t size) {
  if (object == nullptr) _exit(2);
  return memset(object, 1, size);
}

// `make` gives an object; the account must show it, and no more of it once it is freed.
template <class Make>
void expect_object(Make make) {
  const std::int64_t before = live_bytes();
  void* object = make();
  AGREE(object != nullptr);
  AGREE(live_bytes() - before == usable(object));
  AGREE(account_of(getpid()).holds(object) == is_mapped(object));
  void* const gone = object;
  const bool was_mapped = is_mapped(object);
  free(object);
  AGREE(live_bytes() == before);
  if (was_mapped) AGREE(!account_of(getpid()).holds(gone));
}

void* aligned_by_posix(std::size_t alignment, std::size_t size) {
  void* object = nullptr;
  return posix_memalign(&object, alignment, size) == 0 ? object : nullptr;
}

void make_objects(std::size_t size) {
  expect_object([=] { return malloc(size); });
  expect_object([=] { return calloc(3, size); });
  expect_object([=] { return realloc(nullptr, size); });
  expect_object([=] { return reallocarray(nullptr, 2, size); });
  expect_object([=] { return valloc(size); });
  expect_object([=] { return pvalloc(size); });
  for (std::size_t alignment : {std::size_t{32}, std::size_t{4096}, kMiB, 4 * kMiB}) {
    expect_object([=] { return memalign(alignment, size); });
    expect_object([=] { return aligned_alloc(alignment, size); });
    expect_object([=] { return aligned_by_posix(alignment, size); });
  }
}

void resize_object(std::size_t from, std::size_t to) {
  const std::int64_t before = live_bytes();
  void* object = malloc(from);
  object = realloc(object, to);
  AGREE(live_bytes() - before == usable(object));
  AGREE(account_of(getpid()).holds(object) == is_mapped(object));
  object = reallocarray(object, 1, from + 1);
  AGREE(live_bytes() - before == usable(object));
  volatile std::size_t most = PTRDIFF_MAX;
  AGREE(realloc(object, most) == nullptr);
  AGREE(reallocarray(object, most, most) == nullptr);
  AGREE(live_bytes() - before == usable(object));
  AGREE(account_of(getpid()).holds(object) == is_mapped(object));
  volatile std::size_t nothing = 0;
  AGREE(realloc(object, nothing) == nullptr);
  AGREE(live_bytes() == before);
}

// Freeing a mapped object raises glibc's threshold for good. Nobody else may have done so before.
// The size is one that cannot lie at the end of a fresh heap, which glibc would prefer.
void find_threshold_as_it_was() {
  constexpr std::size_t kSize = 300 * 1024;
  void* object = malloc(kSize);
  AGREE(is_mapped(object));
  free(object);
  AGREE(!is_mapped(malloc(kSize)));
}

// Large objects are only mapped as long as no larger one was freed: hence the fixed threshold.
void make_calls() {
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  const std::int64_t before = live_bytes();
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, std::size_t{200'000},
                           std::size_t{5'000'000}}) {
    make_objects(size);
    for (std::size_t other : {std::size_t{24}, std::size_t{150'000}, std::size_t{9'000'000}}) {
      resize_object(size, other);
    }
  }
  free(nullptr);
  volatile std::size_t most = PTRDIFF_MAX;
  AGREE(malloc(most) == nullptr && calloc(most, 2) == nullptr);
  AGREE(live_bytes() == before);
  AGREE(account_of(getpid()).ranges().unrecorded_count == 0);
}

// Objects change hands between the threads, so that many are freed where they were not made.
void use_slots(std::vector<std::atomic<void*>>& slots, unsigned seed) {
  for (unsigned step = 0; step < 20'000; ++step) {
    seed = seed * 1'664'525U + 1'013'904'223U;
    const std::size_t size = step % 16 == 0 ? 128 * 1024 + (seed >> 12) : (seed >> 20);
    void* mine = malloc(size);
    if (step % 5 == 0) mine = realloc(mine, size / 2 + 1);
    free(slots[(seed >> 8) % slots.size()].exchange(mine));
  }
}

void use_threads() {
  constexpr int kThreads = 4;
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  std::vector<std::atomic<void*>> slots(200);
  std::barrier<> gate(kThreads + 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      gate.arrive_and_wait();
      use_slots(slots, static_cast<unsigned>(i));
      gate.arrive_and_wait();
      gate.arrive_and_wait();
    });
  }
  static const Account before(getpid());
  gate.arrive_and_wait();
  gate.arrive_and_wait();
  for (auto& slot : slots) free(slot.load());
  const Account& after = account_of(getpid());
  AGREE(after.ranges().live_bytes == before.ranges().live_bytes);
  AGREE(after.ranges().unrecorded_count == 0);
  AGREE(std::equal(std::begin(after.ranges().mapped_objects),
                   std::end(after.ranges().mapped_objects),
                   std::begin(before.ranges().mapped_objects)));
  AGREE(std::any_of(std::begin(after.ranges().arena_heaps), std::end(after.ranges().arena_heaps),
                    [](std::uint64_t slot) { return slot != 0; }));
  gate.arrive_and_wait();
  for (auto& thread : threads) thread.join();
}

// In the child. The parent waits, so its account must not change at all.
void use_in_child(void* inherited, const Account& parents) {
  const std::int64_t inherited_bytes = usable(inherited);
  void* own = malloc(3 * kMiB);
  AGREE(account_of(getpid()).is_there());
  AGREE(account_of(getpid()).ranges().pid == getpid());
  AGREE(account_of(getpid()).holds(inherited));
  AGREE(live_bytes() == parents.ranges().live_bytes + usable(own));
  free(inherited);
  AGREE(!account_of(getpid()).holds(inherited));
  AGREE(live_bytes() == parents.ranges().live_bytes + usable(own) - inherited_bytes);
  AGREE(account_of(getppid()) == parents);
}

template <class Fork>
void use_forked(Fork fork_process) {
  void* inherited = malloc(2 * kMiB);
  static const Account before(getpid());
  AGREE(before.holds(inherited));
  const pid_t child = fork_process();
  if (child == 0) {
    use_in_child(inherited, before);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  AGREE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  AGREE(account_of(getpid()) == before);
}

pid_t fork_without_handlers() {
  return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

// The child borrows this process's memory until it is another program, with an account of its own.
void spawn_program() {
  static const Account before(getpid());
  char name[] = "true";
  char* arguments[] = {name, nullptr};
  pid_t child = -1;
  AGREE(posix_spawnp(&child, name, nullptr, nullptr, arguments, environ) == 0);
  waitpid(child, nullptr, 0);
  AGREE(account_of(getpid()) == before);
  AGREE(account_of(child).is_there() && account_of(child).ranges().pid == child);
}

[[noreturn]] void wait_to_be_killed(std::size_t malloc_bytes, pid_t child = -1) {
  std::string line = std::to_string(getpid());
  if (child > 0) line += " " + std::to_string(child);
  line += "; " + std::to_string(malloc_bytes) + "\n";
  if (write(STDOUT_FILENO, line.data(), line.size()) < 0) _exit(2);
  for (;;) pause();
}

std::size_t make_small_objects(std::size_t bytes) {
  std::size_t taken = 0;
  while (taken < bytes) {
    escaped = touched(malloc(200), 200);
    taken += malloc_usable_size(escaped) + kChunkWord;
  }
  return taken;
}

void touch_objects() {
  std::size_t taken = make_small_objects(20 * kMiB);
  for (int i = 0; i < 4; ++i) {
    escaped = touched(malloc(8 * kMiB), 8 * kMiB);
    escaped = touched(memalign(kMiB, 5 * kMiB), 5 * kMiB);
    taken += 13 * kMiB;
  }
  escaped = touched(realloc(malloc(kMiB), 30 * kMiB), 30 * kMiB);
  escaped = touched(realloc(malloc(60 * kMiB), 3 * kMiB), 3 * kMiB);
  free(touched(malloc(50 * kMiB), 50 * kMiB));
  wait_to_be_killed(taken + 33 * kMiB);
}

void leave_untouched() {
  escaped = calloc(256, kMiB);
  wait_to_be_killed(0);
}

// Exactly there, or not at all.
void* map_at(std::uintptr_t address, std::size_t bytes) {
  const int fixed = address == 0 ? 0 : MAP_FIXED_NOREPLACE;
  void* mapped = mmap(reinterpret_cast<void*>(address), bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);
  return mapped == MAP_FAILED ? nullptr : mapped;
}

void map_own_memory() {
  escaped = touched(map_at(0, 64 * kMiB), 64 * kMiB);
  wait_to_be_killed(0);
}

// One mapping to the kernel: a line of /proc/self/maps begins with the one and none with the other.
bool are_joined(std::uintptr_t lower, std::uintptr_t upper) {
  char line[8192];
  bool lower_begins = false;
  bool upper_begins = false;
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps != nullptr && fgets(line, sizeof line, maps) != nullptr) {
    const std::uintptr_t begins = strtoul(line, nullptr, 16);
    lower_begins |= begins <= lower && strtoul(strchr(line, '-') + 1, nullptr, 16) > upper;
    upper_begins |= begins == upper;
  }
  return lower_begins && !upper_begins;
}

void map_beside_an_object() {
  constexpr std::size_t kOwnBytes = 64 * kMiB;
  void* object = touched(malloc(32 * kMiB), 16 * kMiB);
  const std::uintptr_t mapping = reinterpret_cast<std::uintptr_t>(object) - kMappedHeaderBytes;
  escaped = touched(map_at(mapping - kOwnBytes, kOwnBytes), kOwnBytes);
  if (!are_joined(mapping - kOwnBytes, mapping)) _exit(2);
  wait_to_be_killed(16 * kMiB);
}

void fill_arenas() {
  constexpr int kThreads = 4;
  static std::atomic<std::size_t> taken{0};
  static std::barrier<> gate(kThreads + 1);
  for (int i = 0; i < kThreads; ++i) {
    std::thread([] {
      taken += make_small_objects(16 * kMiB);
      gate.arrive_and_wait();
      for (;;) pause();
    }).detach();
  }
  gate.arrive_and_wait();
  wait_to_be_killed(taken);
}

// Fills several heaps of one arena and frees all of it: glibc keeps only the first heap.
std::vector<std::uintptr_t> fill_and_free_heaps() {
  std::vector<void*> objects(200'000);
  for (auto& object : objects) object = touched(malloc(1000), 1000);
  std::vector<std::uintptr_t> heaps;
  for (auto* object : objects) {
    heaps.push_back(reinterpret_cast<std::uintptr_t>(object) & ~(kArenaHeapBytes - 1));
  }
  heaps.erase(std::unique(heaps.begin(), heaps.end()), heaps.end());
  for (auto object = objects.rbegin(); object != objects.rend(); ++object) free(*object);
  return heaps;
}

void reuse_heap() {
  std::vector<std::uintptr_t> heaps;
  std::thread([&heaps] { heaps = fill_and_free_heaps(); }).join();
  for (const auto heap : heaps) {
    void* own = map_at(heap, kArenaHeapBytes);
    if (own == nullptr) continue;
    touched(own, kArenaHeapBytes);
    wait_to_be_killed(0);
  }
  _exit(2);
}

void fork_and_stay() {
  escaped = touched(malloc(32 * kMiB), 32 * kMiB);
  int ready[2];
  char byte = 0;
  if (pipe(ready) != 0) _exit(2);
  const pid_t child = fork();
  if (child == 0) {
    if (write(ready[1], &byte, 1) == 1) pause();
    _exit(2);
  }
  // Its account is there by then.
  if (read(ready[0], &byte, 1) == 1) wait_to_be_killed(32 * kMiB, child);
  _exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (!account_of(getpid()).is_there()) return 2;
  if (mode == "threshold") find_threshold_as_it_was();
  if (mode == "calls") make_calls();
  if (mode == "threads") use_threads();
  if (mode == "fork") use_forked(fork);
  if (mode == "raw_fork") use_forked(fork_without_handlers);
  if (mode == "spawn") spawn_program();
  if (mode == "touched") touch_objects();
  if (mode == "untouched") leave_untouched();
  if (mode == "own_memory") map_own_memory();
  if (mode == "neighbours") map_beside_an_object();
  if (mode == "arenas") fill_arenas();
  if (mode == "reused_heap") reuse_heap();
  if (mode == "forked") fork_and_stay();
  return 0;
}
