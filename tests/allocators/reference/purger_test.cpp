// background=1: an idle process returns its free memory. Nobody here asserts how long that takes:
// waiting gives up after a time that is long on any machine.

#include "allocators/reference/purger.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "allocators/reference/heap.h"
#include "allocators/reference/interface.h"
#include "allocators/reference/options.h"

namespace {

// Before the first request, as the environment would.
const bool background = (refmalloc::options.apply("background=1,decay_ms=20"), true);

constexpr std::size_t kMiB = std::size_t{1} << 20;

// ThreadSanitizer keeps its shadow of what has gone back: there the allocator's own word must do.
std::size_t resident_bytes() {
#if defined(__SANITIZE_THREAD__)
  refmalloc_statistics now{};
  refmalloc_stats(&now);
  return now.active_bytes + now.dirty_bytes;
#else
  std::size_t pages = 0;
  std::ifstream file("/proc/self/statm");
  file >> pages >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
#endif
}

bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

// Frees 64 MiB, as medium and as large objects, and is idle from then on.
void use_and_free() {
  for (const std::size_t size : {4 * kMiB, 16 * kMiB}) {
    void* objects[2 * kMiB * 16 / (4 * kMiB)];
    const std::size_t count = 32 * kMiB / size;
    for (std::size_t i = 0; i < count; ++i) {
      objects[i] = refmalloc_malloc(size);
      std::memset(objects[i], 1, size);
    }
    for (std::size_t i = 0; i < count; ++i) refmalloc_free(objects[i]);
  }
}

bool memory_comes_back() {
  const std::size_t before = resident_bytes();
  use_and_free();
  return comes_true([before] { return resident_bytes() < before + 8 * kMiB; });
}

// Silent error: the thread starts and looks, and nothing goes back; or it starts at the next call
// only, which an idle process does not make.
TEST(Purger, an_idle_process_returns_its_memory) {
  for (int round = 0; round < 3; ++round) EXPECT_TRUE(memory_comes_back()) << round;
  EXPECT_TRUE(refmalloc::purger.has_thread());
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

// Silent error: what the last act of a thread sets free waits for another's call.
TEST(Purger, memory_that_a_thread_frees_at_its_end_goes_back) {
  const std::size_t before = resident_bytes();
  std::thread([] {
    void* objects[4000];
    for (void*& object : objects) object = std::memset(refmalloc_malloc(8192), 1, 8192);
    for (void* object : objects) refmalloc_free(object);
  }).join();
  EXPECT_TRUE(comes_true([before] { return resident_bytes() < before + 4 * kMiB; }));
}

// The status file of the thread, or nothing.
std::string status_of_thread() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream name_file(task.path() / "comm");
    std::string name;
    std::getline(name_file, name);
    if (name != "refmalloc") continue;
    std::ifstream file(task.path() / "status");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  return {};
}

std::string field(const std::string& status, const std::string& name) {
  const std::size_t at = status.find(name);
  return at == std::string::npos ? "" : status.substr(at, status.find('\n', at) - at);
}

// Silent error: a signal for the program is taken by a thread that has no handler's data.
TEST(Purger, blocks_every_signal) {
  use_and_free();
  ASSERT_TRUE(comes_true([] { return !status_of_thread().empty(); }));
  const std::string blocked = field(status_of_thread(), "SigBlk:").substr(sizeof "SigBlk:");
  const std::uint64_t mask = std::stoull(blocked, nullptr, 16);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD, SIGALRM, SIGUSR1, SIGPROF}) {
    EXPECT_NE(mask >> (signal - 1) & 1, 0u) << signal;
  }
}

// Silent error: an idle process is woken ten times a second for ever.
TEST(Purger, sleeps_while_there_is_nothing_to_return) {
  use_and_free();
  const auto switches = [] { return field(status_of_thread(), "voluntary_ctxt_switches:"); };
  EXPECT_TRUE(comes_true([&switches] {
    const std::string before = switches();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return !before.empty() && switches() == before;
  }));
  EXPECT_TRUE(memory_comes_back()) << "and wakes up again";
}

#if !defined(__SANITIZE_THREAD__)

int status_of_child(const std::function<bool()>& holds) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(holds() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

// Silent error: the child believes that it has the thread of its parent.
TEST(Purger, a_child_of_fork_starts_its_own) {
  use_and_free();
  EXPECT_EQ(status_of_child([] {
              const bool had_none = !refmalloc::purger.has_thread();
              return had_none && memory_comes_back() && refmalloc::purger.has_thread();
            }),
            0);
}

// Silent error: memory is on its way to the system at the fork, and lost in the child.
TEST(Purger, a_fork_in_the_middle_of_its_work_loses_nothing) {
  for (int round = 0; round < 20; ++round) {
    use_and_free();
    EXPECT_EQ(status_of_child([] {
                refmalloc_malloc_trim(0);
                refmalloc_statistics now{};
                refmalloc_stats(&now);
                return refmalloc::heap_is_valid() && now.dirty_bytes == 0 &&
                       now.mapped_bytes < 256 * kMiB;
              }),
              0);
  }
}

// Silent error: without the thread something else returns the memory, and the tests above see that.
TEST(Purger, without_it_an_idle_process_keeps_its_memory) {
  EXPECT_EQ(status_of_child([] {
              refmalloc::options.set(refmalloc::Option::kBackground, 0);
              refmalloc::options.set(refmalloc::Option::kDecayMs, 1000);
              refmalloc_malloc_trim(0);
              const std::size_t before = resident_bytes();
              use_and_free();
              const std::size_t kept = resident_bytes();
              std::this_thread::sleep_for(std::chrono::milliseconds(300));
              return kept > before + 24 * kMiB && resident_bytes() > kept - kMiB &&
                     !refmalloc::purger.has_thread();
            }),
            0);
}

// Silent error: each shell command and each filter gets a thread.
TEST(Purger, a_program_with_little_free_memory_gets_no_thread) {
  refmalloc_malloc_trim(0);
  EXPECT_EQ(status_of_child([] {
              for (int i = 0; i < 10'000; ++i) refmalloc_free(refmalloc_malloc(1 + i % 5000));
              return !refmalloc::purger.has_thread();
            }),
            0);
}

#endif

// Silent error: threads that free and the purger that goes to sleep miss each other, or race.
TEST(Purger, works_beside_threads_that_come_and_go) {
  for (int round = 0; round < 20; ++round) {
    std::thread threads[3];
    for (std::thread& thread : threads) {
      thread = std::thread([round] {
        for (int i = 0; i < 30; ++i) {
          const std::size_t size = (std::size_t{1} + static_cast<unsigned>(i * round)) * 10'000;
          void* const object = refmalloc_malloc(size);
          std::memset(object, 1, size < kMiB ? size : kMiB);
          refmalloc_free(refmalloc_realloc(object, size / 2 + 1));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_TRUE(comes_true([] {
    refmalloc_statistics now{};
    refmalloc_stats(&now);
    return now.dirty_bytes == 0;
  }));
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

}  // namespace
