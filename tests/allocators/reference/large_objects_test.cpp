#include "allocators/reference/large_objects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "allocators/reference/options.h"
#include "allocators/reference/os.h"
#include "tests/allocators/reference/kernel_abilities.h"

namespace refmalloc {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

// Silent error: a recycled mapping passes for zeroed.
TEST(LargeObjects, calls_only_fresh_mappings_zeroed) {
  LargeObjects heap;
  LargeObject* const fresh = heap.allocate(kMegabyte, 16);
  EXPECT_TRUE(fresh->zeroed);
  heap.release(*fresh);
  LargeObject* const reused = heap.allocate(kMegabyte, 16);
  EXPECT_FALSE(reused->zeroed);
  heap.release(*reused);
  EXPECT_TRUE(heap.drop_cache());
}

// Silent error: what is cut off a cached mapping is lost, or counted twice.
TEST(LargeObjects, keeps_the_rest_of_a_longer_cached_mapping) {
  LargeObjects heap;
  LargeObject* const whole = heap.allocate(4 * kMegabyte, 16);
  char* const start = whole->start;
  heap.release(*whole);
  LargeObject* const part = heap.allocate(kMegabyte, 16);
  EXPECT_EQ(part->start, start);
  EXPECT_EQ(heap.usage().cached_bytes, 3 * kMegabyte);
  EXPECT_EQ(heap.usage().used_bytes, kMegabyte);
  EXPECT_TRUE(heap.is_valid());
  heap.release(*part);
  heap.drop_cache();
}

// Silent error: a cached mapping that is made longer loses its pages or its alignment.
TEST(LargeObjects, lengthens_a_cached_mapping_that_is_too_short) {
  LargeObjects heap;
  LargeObject* const shorter = heap.allocate(2 * kMegabyte, 16);
  std::memset(shorter->start, 7, 2 * kMegabyte);
  heap.release(*shorter);
  LargeObject* const longer = heap.allocate(3 * kMegabyte, 16);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(longer->start) % kSliceBytes, 0u);
  EXPECT_EQ(longer->start[0], 7);
  EXPECT_EQ(heap.usage().cached_bytes, 0u);
  std::memset(longer->start, 8, 3 * kMegabyte);
  heap.release(*longer);
  heap.drop_cache();
}

// Silent error: the cache comes on top of what is live, and the resident set rises without need.
TEST(LargeObjects, keeps_no_more_than_was_live_at_most) {
  LargeObjects heap;
  std::vector<LargeObject*> live;
  for (int i = 0; i < 100; ++i) live.push_back(heap.allocate(kMegabyte, 16));
  for (LargeObject* object : live) heap.release(*object);
  EXPECT_EQ(heap.usage().cached_bytes, 32 * kMegabyte) << "so many are kept";
  LargeObject* const longer = heap.allocate(100 * kMegabyte, 16);
  EXPECT_LE(heap.usage().cached_bytes, 7 * kMegabyte) << "those above the most that was live go";
  heap.release(*longer);
  EXPECT_EQ(heap.usage().used_bytes, 0u);
  EXPECT_TRUE(heap.is_valid());
  heap.drop_cache();
  EXPECT_EQ(heap.usage().cached_bytes, 0u);
}

// Silent error: a cache that is no longer used stays for ever.
TEST(LargeObjects, lets_the_cache_go_with_time) {
  options.set(Option::kDecayMs, 500);
  LargeObjects heap;
  heap.release(*heap.allocate(8 * kMegabyte, 16));
  heap.decay(1'000'000'000);
  heap.decay(1'500'000'000);
  EXPECT_NEAR(static_cast<double>(heap.usage().cached_bytes), 4.0 * kMegabyte, kMegabyte / 4.0);
  heap.decay(100'000'000'000);
  EXPECT_EQ(heap.usage().cached_bytes, 0u);
}

// Silent error: two live objects share pages after cuts, moves and growth.
TEST(LargeObjects, never_hands_out_overlapping_memory) {
  LargeObjects heap;
  std::mt19937 random(11);
  struct Live {
    LargeObject* object;
    char mark;
  };
  std::vector<Live> live;
  const auto mark_all = [](const Live& one) {
    for (std::size_t at = 0; at < one.object->bytes; at += 4096) one.object->start[at] = one.mark;
  };
  for (int step = 0; step < 2000; ++step) {
    const std::size_t bytes = kSliceBytes + random() % (2 * kMegabyte);
    if (live.size() < 8) {
      live.push_back({heap.allocate(bytes, 16), static_cast<char>(step)});
      mark_all(live.back());
      continue;
    }
    Live& one = live[random() % live.size()];
    for (std::size_t at = 0; at < one.object->bytes; at += 4096) {
      ASSERT_EQ(one.object->start[at], one.mark);
    }
    if (random() % 3 == 0) {
      ASSERT_TRUE(heap.resize(*one.object, bytes));
      mark_all(one);
    } else {
      heap.release(*one.object);
      one = live.back();
      live.pop_back();
    }
    ASSERT_TRUE(heap.is_valid());
  }
  for (const Live& one : live) heap.release(*one.object);
  heap.drop_cache();
}

// Sets the option for the time of a test.
class WithHugePages {
 public:
  explicit WithHugePages(HugePages value) { set(value); }
  WithHugePages(const WithHugePages&) = delete;
  WithHugePages& operator=(const WithHugePages&) = delete;
  ~WithHugePages() { set(HugePages::kAuto); }

  static void set(HugePages value) { options.set(Option::kThp, static_cast<std::uint64_t>(value)); }
};

struct HugeCase {
  HugePages setting;
  std::size_t bytes;
  bool huge;
};

// Silent error: a mapping that begins inside a huge page gets one less, short ones waste memory on
// them, or the setting changes nothing.
TEST(LargeObjects, asks_for_huge_pages_as_set_and_begins_at_one) {
  if (!kernel_takes_advice_on_huge_pages()) GTEST_SKIP() << "the kernel has no huge pages";
  for (const HugeCase& one : {
           HugeCase{HugePages::kAuto, 4 * kMegabyte - kSliceBytes, false},
           HugeCase{HugePages::kAuto, 4 * kMegabyte, true},
           HugeCase{HugePages::kAuto, 4 * kMegabyte + kSliceBytes, true},
           HugeCase{HugePages::kAlways, 2 * kMegabyte - kSliceBytes, false},
           HugeCase{HugePages::kAlways, 2 * kMegabyte, true},
           HugeCase{HugePages::kNever, 16 * kMegabyte, false},
       }) {
    const WithHugePages setting(one.setting);
    LargeObjects heap;
    // Two: the first might begin at a huge page by chance, and the kernel may align by itself what
    // is a multiple of one.
    LargeObject* const objects[] = {heap.allocate(one.bytes, 16), heap.allocate(one.bytes, 16)};
    for (LargeObject* object : objects) {
      EXPECT_EQ(object->huge, one.huge) << one.bytes;
      if (one.huge) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object->start) % kHugePageBytes, 0u);
      }
    }
    for (LargeObject* object : objects) heap.release(*object);
    heap.drop_cache();
  }
}

// Every page of the object holds its number.
void number_pages(const LargeObject& object) {
  for (std::size_t at = 0; at < object.bytes; at += 4096) {
    std::memcpy(object.start + at, &at, sizeof at);
  }
}

void expect_numbered_pages(const LargeObject& object, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += 4096) {
    std::size_t number = 0;
    std::memcpy(&number, object.start + at, sizeof number);
    ASSERT_EQ(number, at);
  }
}

// A page of somebody else's right behind the object, so that it cannot grow at its place.
class Obstacle {
 public:
  explicit Obstacle(const LargeObject& object)
      : start_(os::map(kSliceBytes, kSliceBytes, object.start + object.bytes)) {}
  Obstacle(const Obstacle&) = delete;
  Obstacle& operator=(const Obstacle&) = delete;
  ~Obstacle() { os::unmap(start_, kSliceBytes); }

 private:
  void* start_;
};

// Silent error: a move loses pages, or lands inside a huge page so that all of them are broken up.
TEST(LargeObjects, keeps_contents_and_huge_alignment_of_what_it_moves) {
  if (!kernel_takes_advice_on_huge_pages()) GTEST_SKIP() << "the kernel has no huge pages";
  LargeObjects heap;
  LargeObject* const first = heap.allocate(6 * kMegabyte, 16);
  number_pages(*first);
  {
    const Obstacle obstacle(*first);
    ASSERT_TRUE(heap.resize(*first, 9 * kMegabyte));
  }
  EXPECT_TRUE(first->huge);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first->start) % kHugePageBytes, 0u);
  EXPECT_EQ(page_map.find(first->start).record<LargeObject>(), first);
  expect_numbered_pages(*first, 6 * kMegabyte);
  for (std::size_t at = 6 * kMegabyte; at < first->bytes; ++at) ASSERT_EQ(first->start[at], 0);
  const std::size_t before = first->bytes;
  number_pages(*first);
  const Obstacle obstacle(*first);
  heap.release(*first);
  LargeObject* const longer = heap.allocate(14 * kMegabyte, 16);
  EXPECT_EQ(heap.usage().cached_bytes, 0u) << "the cached one has been lengthened";
  EXPECT_TRUE(longer->huge);
  EXPECT_FALSE(longer->zeroed);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(longer->start) % kHugePageBytes, 0u);
  expect_numbered_pages(*longer, before);
  heap.release(*longer);
  heap.drop_cache();
}

// Silent error: the cache is bounded by what was live at most but not for what is live now, so both
// together rise to twice the peak.
TEST(LargeObjects, with_its_cache_stays_within_a_sixteenth_above_the_peak) {
  LargeObjects heap;
  std::mt19937 random(5);
  std::vector<LargeObject*> live;
  std::uint64_t peak = 0;
  std::size_t fresh = 0;
  for (int step = 0; step < 3000; ++step) {
    // Longer and longer, so that what is cached is often too short to be lengthened.
    const std::size_t longest = (static_cast<std::size_t>(step) / 100 % 10 + 1) * kMegabyte;
    const bool fill = live.empty() || (live.size() < 12 && random() % 2 == 0);
    bool bounded = !fill;
    if (fill) {
      live.push_back(heap.allocate(kSliceBytes + random() % longest, 16));
      bounded = live.back()->zeroed;
      fresh += bounded ? 1 : 0;
    } else {
      std::swap(live[random() % live.size()], live.back());
      heap.release(*live.back());
      live.pop_back();
    }
    const LargeObjects::Usage usage = heap.usage();
    peak = std::max(peak, usage.used_bytes);
    if (bounded) {
      ASSERT_LE(usage.used_bytes + usage.cached_bytes, peak + peak / 16) << step;
    }
  }
  EXPECT_GE(fresh, 10u);
  for (LargeObject* object : live) heap.release(*object);
  heap.drop_cache();
}

// Silent error: one peak long ago lets the cache hold as much for the rest of the process.
TEST(LargeObjects, forgets_the_peak_with_what_decays) {
  constexpr std::size_t kPeak = 100 * kMegabyte;
  options.set(Option::kDecayMs, 500);
  LargeObjects heap;
  heap.release(*heap.allocate(kPeak, 16));
  heap.decay(1'000'000'000);
  heap.decay(100'000'000'000);
  EXPECT_EQ(heap.usage().cached_bytes, 0u);
  std::vector<LargeObject*> live;
  for (int i = 0; i < 10; ++i) live.push_back(heap.allocate(kMegabyte, 16));
  for (LargeObject* object : live) heap.release(*object);
  EXPECT_EQ(heap.usage().cached_bytes, 10 * kMegabyte);
  LargeObject* const fresh = heap.allocate(kPeak / 2, 16);
  EXPECT_LE(heap.usage().cached_bytes, kPeak / 2 / 16);
  heap.release(*fresh);
  heap.drop_cache();
}

// Silent error: an object that grows by small steps costs a system call, or a move, at each.
TEST(LargeObjects, grows_with_room_for_the_next_steps) {
  LargeObjects heap;
  LargeObject* const object = heap.allocate(8 * kMegabyte, 16);
  std::size_t bytes = object->bytes + 1;
  ASSERT_TRUE(heap.resize(*object, bytes));
  EXPECT_EQ(object->bytes, round_up(with_slack(bytes), kSliceBytes));
  EXPECT_EQ(heap.usage().used_bytes, object->bytes);
  const std::uint64_t calls = os::counters.mremap_count;
  const char* const start = object->start;
  for (; bytes <= object->bytes; bytes += 4096) ASSERT_TRUE(heap.resize(*object, bytes));
  EXPECT_EQ(os::counters.mremap_count, calls);
  EXPECT_EQ(object->start, start);
  ASSERT_TRUE(heap.resize(*object, bytes));
  EXPECT_GT(os::counters.mremap_count.load(), calls) << "the room was used up";
  heap.release(*object);
  heap.drop_cache();
}

// Silent error: realloc to and fro trims and grows the mapping each time; or never gives back what
// is unused.
TEST(LargeObjects, shrinks_only_when_more_than_the_slack_is_unused) {
  LargeObjects heap;
  LargeObject* const object = heap.allocate(9 * kMegabyte, 16);
  const std::uint64_t calls = os::counters.mremap_count;
  EXPECT_TRUE(heap.resize(*object, 8 * kMegabyte));
  EXPECT_EQ(object->bytes, 9 * kMegabyte);
  EXPECT_EQ(os::counters.mremap_count, calls);
  const std::size_t shorter = 8 * kMegabyte - kSliceBytes;
  EXPECT_TRUE(heap.resize(*object, shorter));
  EXPECT_EQ(object->bytes, shorter);
  EXPECT_EQ(heap.usage().used_bytes, shorter);
  EXPECT_TRUE(heap.is_valid());
  heap.release(*object);
  heap.drop_cache();
}

}  // namespace
}  // namespace refmalloc
