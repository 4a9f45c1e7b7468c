#include "bench/program/malloc_share.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "bench/preload/malloc_ranges.h"
#include "bench/run/file_descriptor.h"
#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kArenaHeapBytes = std::uint64_t{64} << 20;

std::uint64_t page_bytes() {
  return static_cast<std::uint64_t>(getpagesize());
}

// This process's own account, made by hand. None of its real heap is in it, so that the memory
// that counts as malloc's is known to the page.
class MallocShareOfThisProcess : public testing::Test {
 protected:
  void SetUp() override {
    const auto name = folder_.file(std::to_string(getpid()) + kMallocRangesSuffix);
    const FileDescriptor file(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(ftruncate(file.get(), sizeof(MallocRanges)), 0);
    void* mapped =
        mmap(nullptr, sizeof(MallocRanges), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
    account_ = static_cast<MallocRanges*>(mapped);
    *account_ = {.magic = kMallocRangesMagic,
                 .version = kMallocRangesVersion,
                 .pid = getpid(),
                 .layout = MallocLayout::kGlibc,
                 .main_heap_begins = UINT64_MAX};
    memory_ = static_cast<char*>(mmap(nullptr, kPages * page_bytes(), PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    madvise(memory_, kPages * page_bytes(), MADV_NOHUGEPAGE);
  }
  void TearDown() override {
    munmap(memory_, kPages * page_bytes());
    if (account_ != nullptr) munmap(account_, sizeof *account_);
  }

  static constexpr std::uint64_t kPages = 1000;

  MallocRanges& account() { return *account_; }
  const TemporaryFolder& folder() const { return folder_; }
  std::uint64_t address_of_page(std::uint64_t page) const {
    return reinterpret_cast<std::uintptr_t>(memory_) + page * page_bytes();
  }
  AddressRange pages(std::uint64_t first, std::uint64_t count) const {
    return {address_of_page(first), count * page_bytes()};
  }
  void touch(std::uint64_t first, std::uint64_t count) {
    for (auto page = first; page < first + count; ++page) memory_[page * page_bytes()] = 1;
  }

  std::optional<MallocShare> share_of(const std::vector<pid_t>& processes) const {
    return read_malloc_share(processes, folder_.path());
  }
  std::uint64_t malloc_pages() const {
    return share_of({getpid()}).value_or(MallocShare{}).malloc_bytes / page_bytes();
  }

 private:
  TemporaryFolder folder_;
  MallocRanges* account_ = nullptr;
  char* memory_ = nullptr;
};

// Catches: a whole mapping counted where malloc has a part of it, or untouched pages counted.
TEST_F(MallocShareOfThisProcess, OnlyResidentPagesInsideTheRangesCount) {
  touch(0, 100);
  account().mapped_objects[7] = pack_range(pages(90, 50));
  EXPECT_EQ(malloc_pages(), 10U);
  touch(120, 5);
  EXPECT_EQ(malloc_pages(), 15U);
  account().mapped_objects[kMappedObjectsMost - 1] = pack_range(pages(0, 10));
  EXPECT_EQ(malloc_pages(), 25U);
}

// Catches: memory counted twice when an account holds a stale range beside the one that followed.
TEST_F(MallocShareOfThisProcess, RangesThatOverlapCountOnce) {
  touch(0, 100);
  account().mapped_objects[1] = pack_range(pages(10, 30));
  account().mapped_objects[2] = pack_range(pages(20, 10));
  account().mapped_objects[3] = pack_range(pages(30, 20));
  EXPECT_EQ(malloc_pages(), 40U);
}

// Catches: files and other mappings with a name counted for a range that is stale.
TEST_F(MallocShareOfThisProcess, MemoryWithANameIsNotMallocs) {
  account().mapped_objects[1] =
      pack_range({reinterpret_cast<std::uintptr_t>(&account()), sizeof(MallocRanges)});
  EXPECT_EQ(malloc_pages(), 0U);
}

// Catches: the main heap overlooked, or counted from where the program's own data begins.
TEST_F(MallocShareOfThisProcess, TheMainHeapCountsFromItsBeginning) {
  // What reading itself asks for stays out of the heap: glibc's rule that moves the limit is off.
  constexpr int kUsualThreshold = 128 << 10;
  mallopt(M_MMAP_THRESHOLD, kUsualThreshold);
  EXPECT_EQ(malloc_pages(), 0U);  // and the rest of what it takes is there from now on
  void* begins = sbrk(0);
  ASSERT_EQ(sbrk(static_cast<std::intptr_t>(4 * page_bytes())), begins);
  memset(begins, 1, 3 * page_bytes());
  account().main_heap_begins = reinterpret_cast<std::uintptr_t>(begins);
  EXPECT_EQ(malloc_pages(), 3U);
}

// Catches: memory of the program's own counted that lies where malloc once had an arena's heap.
TEST_F(MallocShareOfThisProcess, AnArenasHeapCountsWhileItIsOne) {
  auto* space = static_cast<char*>(mmap(nullptr, 2 * kArenaHeapBytes, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  ASSERT_NE(space, MAP_FAILED);
  madvise(space, 2 * kArenaHeapBytes, MADV_NOHUGEPAGE);
  const auto heap = (reinterpret_cast<std::uintptr_t>(space) | (kArenaHeapBytes - 1)) + 1;
  account().arena_heaps[5] = pack_range({heap, kArenaHeapBytes});
  auto* info = reinterpret_cast<std::uint64_t*>(heap);
  for (std::uint64_t page = 0; page < 20; ++page) info[page * page_bytes() / sizeof *info] = 0;
  EXPECT_EQ(malloc_pages(), 0U);
  const std::uint64_t heap_info[] = {heap + 48, 0, 40 * page_bytes(), 50 * page_bytes()};
  memcpy(info, heap_info, sizeof heap_info);
  EXPECT_EQ(malloc_pages(), 20U);
  munmap(space, 2 * kArenaHeapBytes);
  EXPECT_EQ(malloc_pages(), 0U);
}

// Catches: sums that wrap round while threads write.
TEST_F(MallocShareOfThisProcess, CountsAreNeverBelowZero) {
  account().live_bytes = -1;
  account().unrecorded_count = -1;
  EXPECT_EQ(share_of({getpid()})->live_bytes, 0U);
  EXPECT_EQ(share_of({getpid()})->unrecorded_count, 0U);
  account().live_bytes = 12345;
  account().unrecorded_count = 3;
  EXPECT_EQ(share_of({getpid()})->live_bytes, 12345U);
  EXPECT_EQ(share_of({getpid()})->unrecorded_count, 3U);
}

// Catches: an account that cannot be believed, believed.
TEST_F(MallocShareOfThisProcess, IsUnknownWithoutAnAccountOfGlibcs) {
  EXPECT_TRUE(share_of({getpid()}));
  account().layout = MallocLayout::kUnknown;
  EXPECT_FALSE(share_of({getpid()}));
  account().layout = MallocLayout::kGlibc;
  account().magic = 0;
  EXPECT_FALSE(share_of({getpid()}));
  account().magic = kMallocRangesMagic;
  account().version = kMallocRangesVersion + 1;
  EXPECT_FALSE(share_of({getpid()}));
  EXPECT_FALSE(share_of({}));
  EXPECT_FALSE(read_malloc_share({getpid()}, "/no/such/place"));
}

/// A child that sleeps until it is killed.
class SleepingChild {
 public:
  SleepingChild() : pid_(fork()) {
    if (pid_ != 0) return;
    for (;;) pause();
  }
  ~SleepingChild() { end(); }
  SleepingChild(const SleepingChild&) = delete;
  SleepingChild& operator=(const SleepingChild&) = delete;

  pid_t pid() const { return pid_; }
  void end() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_;
};

// Catches: the file of an ended process believed for another one of the same number.
TEST_F(MallocShareOfThisProcess, AnAccountThatItsProcessDoesNotKeepIsNoAccount) {
  SleepingChild child;
  account().pid = child.pid();
  const auto own_name = folder().file(std::to_string(getpid()) + kMallocRangesSuffix);
  const auto childs_name = folder().file(std::to_string(child.pid()) + kMallocRangesSuffix);
  ASSERT_EQ(link(own_name.c_str(), childs_name.c_str()), 0);
  EXPECT_FALSE(share_of({child.pid()}));
}

// Catches: a tree without its processes that have no account, or their malloc memory guessed.
TEST_F(MallocShareOfThisProcess, AProcessWithoutAnAccountCountsInTheTreeOnly) {
  touch(0, 100);
  account().mapped_objects[1] = pack_range(pages(0, 100));
  SleepingChild child;
  touch(0, 50);  // these are no longer shared with the child
  const auto both = share_of({getpid(), child.pid()});
  ASSERT_TRUE(both);
  EXPECT_GT(both->tree_bytes, both->malloc_bytes);
  EXPECT_LT(both->malloc_bytes, 100 * page_bytes());
  EXPECT_GE(both->malloc_bytes, 50 * page_bytes());
  EXPECT_EQ(malloc_pages(), 100U);
  EXPECT_FALSE(share_of({child.pid()}));
}

// Catches: a run that fails, or a tree that counts in halves, because a process ended meanwhile.
TEST_F(MallocShareOfThisProcess, AnEndedProcessIsPassedOver) {
  touch(0, 100);
  account().mapped_objects[1] = pack_range(pages(0, 100));
  SleepingChild child;
  const pid_t ended = child.pid();
  child.end();
  const auto share = share_of({ended, getpid()});
  ASSERT_TRUE(share);
  EXPECT_EQ(share->malloc_bytes, 100 * page_bytes());
  EXPECT_FALSE(share_of({ended}));
}

// Catches: ranges that come back as others.
TEST(MallocRangesFormat, RangesComeBackAsTheyWere) {
  for (const AddressRange range : {AddressRange{4096, 4096}, AddressRange{0x7fffffff0000, 0x1000},
                                   AddressRange{0x7f0000000000, 0xfffffff000}}) {
    EXPECT_EQ(unpack_range(pack_range(range)).begins, range.begins);
    EXPECT_EQ(unpack_range(pack_range(range)).length, range.length);
  }
}

// Catches: a range cut to what fits, in silence.
TEST(MallocRangesFormat, ARangeThatDoesNotFitIsNone) {
  EXPECT_EQ(pack_range({4096, std::uint64_t{1} << 40}), 0U);
  EXPECT_EQ(pack_range({std::uint64_t{1} << 48, 4096}), 0U);
}

}  // namespace
}  // namespace heapwise
