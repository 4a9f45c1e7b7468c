// The system says no: calls that fail, limits that are reached, memory that is locked.
//
// Each test runs in a child, started anew from the executable: limits and filters are for life, and
// the heap shall meet them without anything in its caches. Sanitizers need the refused calls too.

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "allocators/reference/heap.h"
#include "allocators/reference/interface.h"

namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

constexpr std::size_t kMegabyte = std::size_t{1} << 20;
constexpr std::size_t kSizes[] = {16, 1000, 5000, 30'000, 100'000, kMegabyte + 1, 9 * kMegabyte};

struct Refusal {
  const char* name;
  std::vector<int> calls;
  int error;
};

void PrintTo(const Refusal& refusal, std::ostream* stream) {
  *stream << refusal.name;
}

// From here on the kernel answers these calls of this process with the error.
void refuse(const std::vector<int>& calls, int error) {
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const int call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = program.data()};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0) << std::strerror(errno);
}

bool all_bytes_are(const unsigned char* object, std::size_t bytes, unsigned char value) {
  return bytes == 0 || (object[0] == value && std::memcmp(object, object + 1, bytes - 1) == 0);
}

void free_keeping_errno(void* object) {
  errno = EDOM;
  refmalloc_free(object);
  EXPECT_EQ(errno, EDOM);
}

// Uses, frees and purges every kind of object, in a way that would show pages that were taken for
// zero or handed out twice.
void use_every_layer() {
  for (int round = 0; round < 2; ++round) {
    for (const std::size_t size : kSizes) {
      std::vector<unsigned char*> objects(2);
      for (unsigned char*& object : objects) {
        object = static_cast<unsigned char*>(refmalloc_calloc(1, size));
        ASSERT_NE(object, nullptr) << size;
        ASSERT_TRUE(all_bytes_are(object, size, 0)) << size;
        std::memset(object, 0xa5, size);
      }
      auto* const moved = static_cast<unsigned char*>(refmalloc_realloc(objects[0], size * 2));
      ASSERT_NE(moved, nullptr);
      ASSERT_TRUE(all_bytes_are(moved, size, 0xa5));
      auto* const back = static_cast<unsigned char*>(refmalloc_realloc(moved, size / 2));
      ASSERT_NE(back, nullptr);
      ASSERT_TRUE(all_bytes_are(back, size / 2, 0xa5));
      objects[0] = back;
      for (unsigned char* object : objects) free_keeping_errno(object);
    }
    refmalloc_malloc_trim(0);
  }
  for (const std::size_t alignment : {std::size_t{64}, kMegabyte, 4 * kMegabyte}) {
    void* const object = refmalloc_memalign(alignment, 100);
    ASSERT_NE(object, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(object) % alignment, 0u);
    free_keeping_errno(object);
  }
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

// Failures of the child are lost but for what stands on stderr.
[[noreturn]] void exit_with_verdict() {
  const testing::TestResult& result =
      *testing::UnitTest::GetInstance()->current_test_info()->result();
  for (int i = 0; i < result.total_part_count(); ++i) {
    const testing::TestPartResult& part = result.GetTestPartResult(i);
    std::fprintf(stderr, "line %d: %s\n", part.line_number(), part.message());
  }
  _exit(testing::Test::HasFailure() ? 1 : 0);
}

// Runs the body in a child with a heap of its own; what fails there is printed and fails here.
template <class Body>
void expect_holds_in_child(Body body) {
  EXPECT_EXIT((body(), exit_with_verdict()), testing::ExitedWithCode(0), "");
}

// What is freed goes back at once, so that refused calls are met by free itself.
class RefusedCallsTest : public testing::TestWithParam<Refusal> {
 protected:
  RefusedCallsTest() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    setenv("REFMALLOC_CONF", "decay_ms=0,mmap_threshold=8M", 1);
  }
  ~RefusedCallsTest() override { unsetenv("REFMALLOC_CONF"); }
};

// Silent error: memory that the kernel did not take back counts as fresh, or free tells of it.
TEST_P(RefusedCallsTest, are_coped_with_by_a_heap_that_goes_on) {
  const Refusal& refusal = GetParam();
  expect_holds_in_child([&] {
    use_every_layer();
    refuse(refusal.calls, refusal.error);
    use_every_layer();
  });
}

TEST_P(RefusedCallsTest, are_coped_with_from_the_first_call_on) {
  const Refusal& refusal = GetParam();
  expect_holds_in_child([&] {
    refuse(refusal.calls, refusal.error);
    use_every_layer();
  });
}

INSTANTIATE_TEST_SUITE_P(Refusals, RefusedCallsTest,
                         testing::Values(Refusal{"madvise_again", {SYS_madvise}, EAGAIN},
                                         Refusal{"madvise_locked", {SYS_madvise}, EINVAL},
                                         Refusal{"munmap_mappings_limit", {SYS_munmap}, ENOMEM},
                                         Refusal{"mremap_mappings_limit", {SYS_mremap}, ENOMEM},
                                         Refusal{
                                             "all", {SYS_madvise, SYS_munmap, SYS_mremap}, ENOMEM}),
                         [](const auto& test) { return test.param.name; });

class LimitsTest : public testing::Test {
 protected:
  LimitsTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

void expect_every_request_is_refused() {
  const auto expect_refusal = [](const void* object) {
    EXPECT_EQ(object, nullptr);
    EXPECT_EQ(errno, ENOMEM);
    errno = 0;
  };
  errno = 0;
  for (const std::size_t size : kSizes) {
    expect_refusal(refmalloc_malloc(size));
    expect_refusal(refmalloc_calloc(1, size));
    expect_refusal(refmalloc_realloc(nullptr, size));
    expect_refusal(refmalloc_reallocarray(nullptr, size, 1));
    expect_refusal(refmalloc_memalign(4096, size));
    expect_refusal(refmalloc_memalign(kMegabyte, size));
    void* untouched = &untouched;
    EXPECT_EQ(refmalloc_posix_memalign(&untouched, 64, size), ENOMEM);
    EXPECT_EQ(untouched, &untouched);
  }
}

// Silent error: the first request of a process is not ready for there being nothing at all.
TEST_F(LimitsTest, without_any_memory_each_request_is_null_and_enomem) {
  expect_holds_in_child([&] {
    refuse({SYS_mmap, SYS_brk, SYS_mremap}, ENOMEM);
    expect_every_request_is_refused();
  });
}

// Silent error: what lives is lost, or cannot be freed, once the system refuses.
TEST_F(LimitsTest, when_memory_ends_what_lives_stays_and_is_used_again) {
  expect_holds_in_child([&] {
    std::vector<unsigned char*> objects;
    for (const std::size_t size : kSizes) {
      objects.push_back(static_cast<unsigned char*>(refmalloc_malloc(size)));
      std::memset(objects.back(), 7, size);
    }
    refuse({SYS_mmap, SYS_brk, SYS_mremap}, ENOMEM);
    errno = 0;
    EXPECT_EQ(refmalloc_realloc(objects.back(), 64 * kMegabyte), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    for (std::size_t i = 0; i < objects.size(); ++i) {
      EXPECT_TRUE(all_bytes_are(objects[i], kSizes[i], 7));
      free_keeping_errno(objects[i]);
      // A mapping of its own goes back to a system that gives no other.
      if (i + 1 == objects.size()) break;
      void* const again = refmalloc_malloc(kSizes[i]);
      EXPECT_NE(again, nullptr) << kSizes[i];
      refmalloc_free(again);
    }
    EXPECT_TRUE(refmalloc::heap_is_valid());
  });
}

// Takes objects of one size until there are no more, and gives all back. Each holds the address of
// the one before, since a list of them would need memory too.
std::size_t bytes_until_refused(std::size_t size) {
  std::size_t bytes = 0;
  void** newest = nullptr;
  while (auto* const object = static_cast<void**>(refmalloc_malloc(size))) {
    *object = newest;
    newest = object;
    bytes += size;
  }
  EXPECT_EQ(errno, ENOMEM);
  while (newest != nullptr) {
    void** const before = static_cast<void**>(*newest);
    free_keeping_errno(newest);
    newest = before;
  }
  return bytes;
}

void live_within(int resource, std::size_t bytes) {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  ASSERT_EQ(setrlimit(static_cast<__rlimit_resource>(resource), &limit), 0);
  for (const std::size_t size : {1000ul, 20'000ul, 300'000ul, 20 * kMegabyte, 1000ul}) {
    EXPECT_GT(bytes_until_refused(size), bytes / 8) << size;
  }
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

// Silent error: a refused mapping is used, or what is cached stands in the way of other sizes.
TEST_F(LimitsTest, within_a_limit_of_address_space_all_sizes_get_their_share) {
  expect_holds_in_child([] { live_within(RLIMIT_AS, 256 * kMegabyte); });
}

TEST_F(LimitsTest, within_a_limit_of_data_all_sizes_get_their_share) {
  expect_holds_in_child([] { live_within(RLIMIT_DATA, 256 * kMegabyte); });
}

TEST_F(LimitsTest, threads_under_a_limit_of_address_space_get_null_and_go_on) {
  expect_holds_in_child([&] {
    const rlimit limit{.rlim_cur = 400 * kMegabyte, .rlim_max = 400 * kMegabyte};
    ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 3; ++t) {
      threads.emplace_back([t] {
        for (unsigned i = 0; i < 60; ++i) {
          void* objects[8];
          for (unsigned o = 0; o < 8; ++o) {
            const std::size_t size = kSizes[(i + t + o) % std::size(kSizes)] * (1 + i % 4);
            objects[o] = refmalloc_malloc(size);
            if (objects[o] != nullptr) std::memset(objects[o], 1, std::min(size, 100'000ul));
            void* const longer = refmalloc_realloc(objects[o], size + size / 2);
            if (longer != nullptr) objects[o] = longer;
          }
          for (void* object : objects) refmalloc_free(object);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(refmalloc::heap_is_valid());
  });
}

// Splits one mapping until the kernel allows no more of them. false when it has no such limit.
bool use_up_mappings() {
  std::ifstream file("/proc/sys/vm/max_map_count");
  std::size_t most = 0;
  file >> most;
  if (most == 0 || most > 2'000'000) return false;
  const std::size_t bytes = (most + 2) * 8192;
  void* const start =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return false;
  for (std::size_t at = 0; at < bytes; at += 8192) {
    if (mprotect(static_cast<char*>(start) + at, 4096, PROT_READ) != 0) return errno == ENOMEM;
  }
  return false;
}

// Silent error: a munmap that would split a mapping fails, and the object is gone or still there.
TEST_F(LimitsTest, with_all_mappings_used_up_the_heap_goes_on) {
  setenv("REFMALLOC_CONF", "decay_ms=0,mmap_threshold=128K", 1);
  expect_holds_in_child([&] {
    std::vector<unsigned char*> objects;
    for (int i = 0; i < 200; ++i) {
      objects.push_back(static_cast<unsigned char*>(refmalloc_malloc(200'000)));
      std::memset(objects.back(), i, 200'000);
    }
    ASSERT_TRUE(use_up_mappings()) << "cannot reach the limit of mappings here";
    for (std::size_t i = 0; i < objects.size(); i += 2) free_keeping_errno(objects[i]);
    refmalloc_malloc_trim(0);
    for (std::size_t i = 1; i < objects.size(); i += 2) {
      ASSERT_TRUE(all_bytes_are(objects[i], 200'000, static_cast<unsigned char>(i)));
      void* const longer = refmalloc_realloc(objects[i], 500'000);
      if (longer != nullptr) objects[i] = static_cast<unsigned char*>(longer);
      ASSERT_TRUE(all_bytes_are(objects[i], 200'000, static_cast<unsigned char>(i)));
      free_keeping_errno(objects[i]);
    }
    EXPECT_TRUE(refmalloc::heap_is_valid());
  });
  unsetenv("REFMALLOC_CONF");
}

bool memory_can_be_locked() {
  const pid_t child = fork();
  if (child == 0) _exit(mlockall(MCL_CURRENT | MCL_FUTURE) == 0 ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  return status == 0;
}

// Silent error: locked pages are not dropped by madvise, and calloc takes them for zero.
TEST_F(LimitsTest, locked_memory_is_cleared_by_calloc) {
  if (!memory_can_be_locked()) GTEST_SKIP() << "RLIMIT_MEMLOCK allows no mlockall";
  expect_holds_in_child([] {
    ASSERT_EQ(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
    use_every_layer();
  });
}

// A memory cgroup of this test's own below the one it runs in; removed at the end.
class MemoryGroup {
 public:
  explicit MemoryGroup(std::size_t limit_bytes) {
    const std::string name = "/refmalloc_test_" + std::to_string(getpid());
    for (const auto& [root, file] : {std::pair{"/sys/fs/cgroup/memory", "/memory.limit_in_bytes"},
                                     std::pair{"/sys/fs/cgroup", "/memory.max"}}) {
      const std::string folder = root + name;
      if (mkdir(folder.c_str(), 0755) != 0) continue;
      if (write(folder + file, limit_bytes)) {
        folder_ = folder;
        return;
      }
      rmdir(folder.c_str());
    }
  }
  ~MemoryGroup() {
    if (exists()) rmdir(folder_.c_str());
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  [[nodiscard]] bool exists() const { return !folder_.empty(); }
  [[nodiscard]] bool enter() const { return write(folder_ + "/cgroup.procs", 0); }

 private:
  static bool write(const std::string& file, std::size_t value) {
    std::ofstream stream(file);
    stream << value << std::endl;
    return stream.good();
  }

  std::string folder_;
};

// Silent error: addresses are counted as memory, or freed memory adds up until the group is killed.
TEST_F(LimitsTest, within_a_memory_group_only_what_is_touched_counts) {
  GTEST_FLAG_SET(death_test_style, "fast");
  const MemoryGroup group(96 * kMegabyte);
  if (!group.exists()) GTEST_SKIP() << "no memory cgroup can be made here";
  expect_holds_in_child([&] {
    ASSERT_TRUE(group.enter());
    errno = 0;
    EXPECT_EQ(refmalloc_malloc(std::size_t{1} << 62), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    void* const untouched = refmalloc_malloc(512 * kMegabyte);
    EXPECT_NE(untouched, nullptr);
    for (const std::size_t size : {100ul, 3000ul, 50'000ul, kMegabyte, 10 * kMegabyte}) {
      std::vector<void*> objects;
      for (std::size_t bytes = 0; bytes < 30 * kMegabyte; bytes += size) {
        objects.push_back(refmalloc_malloc(size));
        std::memset(objects.back(), 1, size);
      }
      for (void* object : objects) refmalloc_free(object);
      refmalloc_malloc_trim(0);
    }
    refmalloc_free(untouched);
  });
}

#endif

}  // namespace
