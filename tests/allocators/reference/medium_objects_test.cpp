// Objects of whole slices below the mmap threshold: those that threads keep in magazines (2, 3 and
// 4 slices), the longer ones, and what realloc makes of either.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "allocators/reference/heap.h"

namespace refmalloc {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

std::size_t held(std::size_t slices) {
  return thread_cache->held(run_class_of(slices));
}

// The magazines of run classes are empty, and this thread has a cache.
void start_afresh() {
  deallocate(allocate(1));
  trim();
}

class RunClass : public testing::TestWithParam<std::size_t> {};

// Silent error: runs of a few slices go to the arena and its lock each time.
TEST_P(RunClass, is_kept_in_a_magazine_and_taken_from_it) {
  start_afresh();
  const std::size_t slices = GetParam();
  const std::size_t size_class = run_class_of(slices);
  for (const std::size_t bytes : {(slices - 1) * kSliceBytes + 1, slices * kSliceBytes}) {
    void* const object = allocate(bytes);
    EXPECT_EQ(usable_bytes(object), slices * kSliceBytes);
    EXPECT_EQ(page_map.find(object).tag(), size_class);
    std::memset(object, 1, slices * kSliceBytes);
    const std::uint64_t refills = thread_cache->arena->usage(size_class).refills_count;
    deallocate(object);
    EXPECT_EQ(held(slices), 1u);
    EXPECT_EQ(page_map.find(object).tag(), size_class) << "it is still an object";
    EXPECT_EQ(allocate(bytes), object);
    EXPECT_EQ(held(slices), 0u);
    EXPECT_EQ(thread_cache->arena->usage(size_class).refills_count, refills);
    deallocate(object);
    trim();
    EXPECT_EQ(held(slices), 0u);
    EXPECT_NE(page_map.find(object).tag(), size_class) << "trim gives back what threads keep";
  }
  EXPECT_TRUE(heap_is_valid());
}

// Silent error: a full magazine drops an object or keeps it twice.
TEST_P(RunClass, goes_to_the_heap_when_its_magazine_is_full) {
  start_afresh();
  const std::size_t slices = GetParam();
  const std::uint64_t used = thread_cache->arena->runs().usage().used_slices;
  std::vector<void*> objects;
  for (std::size_t i = 0; i < 3 * kFewestEntries; ++i) {
    objects.push_back(allocate(slices * kSliceBytes));
    std::memset(objects.back(), static_cast<int>(i), slices * kSliceBytes);
  }
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const char* const bytes = static_cast<char*>(objects[i]);
    EXPECT_EQ(bytes[0], static_cast<char>(i));
    EXPECT_EQ(bytes[slices * kSliceBytes - 1], static_cast<char>(i));
    deallocate(objects[i]);
    EXPECT_LE(held(slices), magazine_limit(run_class_of(slices)));
  }
  EXPECT_GT(held(slices), 0u);
  EXPECT_TRUE(heap_is_valid());
  trim();
  EXPECT_EQ(thread_cache->arena->runs().usage().used_slices, used);
}

INSTANTIATE_TEST_SUITE_P(, RunClass, testing::Range(kFewestRunSlices, kMostKeptRunSlices + 1));

// Silent error: realloc changes the length of a run but not its class, so free puts it into a
// magazine whose next taker gets too short an object, or ends the process.
TEST(MediumObjects, realloc_names_an_object_by_its_new_length_and_free_finds_it) {
  start_afresh();
  for (std::size_t from = kFewestRunSlices; from <= 8; ++from) {
    for (std::size_t to = kFewestRunSlices; to <= 8; ++to) {
      char* const object = static_cast<char*>(allocate(from * kSliceBytes));
      std::memset(object, 3, from * kSliceBytes);
      char* const resized = static_cast<char*>(reallocate(object, to * kSliceBytes));
      const std::size_t slices = usable_bytes(resized) >> kSliceShift;
      ASSERT_GE(slices, to);
      ASSERT_EQ(page_map.find(resized).tag(), tag_of_run(slices)) << from << " to " << to;
      for (std::size_t i = 0; i < std::min(from, to) * kSliceBytes; ++i) ASSERT_EQ(resized[i], 3);
      std::memset(resized, 4, slices * kSliceBytes);
      deallocate(resized);
      ASSERT_TRUE(heap_is_valid());
      for (std::size_t kept = kFewestRunSlices; kept <= kMostKeptRunSlices; ++kept) {
        if (held(kept) == 0) continue;
        void* const next = allocate(kept * kSliceBytes);
        ASSERT_EQ(usable_bytes(next), kept * kSliceBytes) << from << " to " << to;
        deallocate(next);
      }
    }
  }
}

// An object that is appended to by a slice at a time, each slice marked with its number.
class Appended {
 public:
  explicit Appended(std::size_t bytes)
      : bytes_(bytes), start_(static_cast<char*>(allocate(bytes))) {
    mark(0);
  }
  Appended(const Appended&) = delete;
  Appended& operator=(const Appended&) = delete;
  ~Appended() { deallocate(start_); }

  // Whether it moved.
  bool append() {
    char* const before = start_;
    start_ = static_cast<char*>(reallocate(start_, bytes_ + kSliceBytes));
    bytes_ += kSliceBytes;
    mark(bytes_ - kSliceBytes);
    return start_ != before;
  }

  [[nodiscard]] bool keeps_contents() const {
    for (std::size_t at = 0; at < bytes_; at += kStep) {
      if (start_[at] != static_cast<char>(at >> kSliceShift)) return false;
    }
    return true;
  }

  [[nodiscard]] const char* end() const { return start_ + usable_bytes(start_); }

 private:
  static constexpr std::size_t kStep = 512;

  void mark(std::size_t from) {
    for (std::size_t at = from; at < bytes_; at += kStep) {
      start_[at] = static_cast<char>(at >> kSliceShift);
    }
  }

  std::size_t bytes_;
  char* start_;
};

// Silent error: an object that grows by small steps is copied at each of them.
TEST(MediumObjects, appending_where_nobody_is_in_the_way_moves_nothing) {
  start_afresh();
  Appended object(kMegabyte);
  int moves = 0;
  for (int step = 0; step < 50; ++step) {
    moves += object.append() ? 1 : 0;
    ASSERT_TRUE(object.keeps_contents());
  }
  EXPECT_LE(moves, 3) << "from one end of what is free to another";
  EXPECT_TRUE(heap_is_valid());
}

// Silent error: the same where the slices behind are always in use, so that only slack helps.
TEST(MediumObjects, appending_in_a_crowded_heap_moves_a_few_times) {
  start_afresh();
  Arena& arena = *thread_cache->arena;
  Appended object(kMegabyte);
  std::vector<refmalloc::Run*> crowd;
  int moves = 0;
  for (int step = 0; step < 50; ++step) {
    for (PageMapEntry behind = page_map.find(object.end()); behind.tag() == kFreeRunTag;
         behind = page_map.find(object.end())) {
      const std::size_t slices = behind.record<refmalloc::Run>()->slices;
      crowd.push_back(arena.runs().allocate(slices, arena.index()));
    }
    moves += object.append() ? 1 : 0;
    ASSERT_TRUE(object.keeps_contents());
  }
  // A move leaves an eighth of room: from 1 MiB to 4.1 MiB twelve times, and once at the start.
  EXPECT_LE(moves, 13);
  EXPECT_GE(moves, 5) << "nobody was in the way";
  for (refmalloc::Run* run : crowd) arena.runs().release(*run);
  EXPECT_TRUE(heap_is_valid());
}

}  // namespace
}  // namespace refmalloc
