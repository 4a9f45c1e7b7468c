// The malloc family as a program sees it, on the build whose names carry a prefix.

#include "allocators/reference/heap.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "allocators/reference/interface.h"
#include "allocators/reference/options.h"

namespace {

constexpr std::size_t kSizes[] = {0,     1,      15,     16,       17,       128,      129,
                                  1024,  1025,   4096,   32768,    32769,    65536,    65537,
                                  98304, 131072, 200000, 1u << 20, 5u << 20, 8u << 20, 9u << 20};

bool all_bytes_are(const void* object, std::size_t bytes, unsigned char value) {
  const auto* at = static_cast<const unsigned char*>(object);
  return std::all_of(at, at + bytes, [value](unsigned char byte) { return byte == value; });
}

// Silent error: calloc takes what the kernel has not dropped yet for zero.
TEST(Heap, calloc_clears_memory_that_was_purged_lazily) {
  refmalloc::options.apply("purge=free,decay_ms=0");
  for (const std::size_t size : {300'000ul, 2'000'000ul}) {
    for (int round = 0; round < 3; ++round) {
      void* const used = refmalloc_malloc(size);
      std::memset(used, 0xAB, size);
      refmalloc_free(used);
      for (int i = 0; i < 100; ++i) refmalloc_free(refmalloc_malloc(20u << 20));
      auto* const object = static_cast<unsigned char*>(refmalloc_calloc(1, size));
      std::size_t at = 0;
      while (at < size && object[at] == 0) ++at;
      EXPECT_EQ(at, size) << size;
      refmalloc_free(object);
    }
  }
  refmalloc::options.apply("purge=dontneed,decay_ms=500");
}

// Silent error: free reports success of its own system calls through errno.
TEST(Heap, free_keeps_errno) {
  for (const std::size_t size : kSizes) {
    void* const object = refmalloc_malloc(size);
    errno = EDOM;
    refmalloc_free(object);
    EXPECT_EQ(errno, EDOM);
  }
  errno = EDOM;
  refmalloc_free(nullptr);
  EXPECT_EQ(errno, EDOM);
}

// Silent error: a product or a rounding wraps to something small.
TEST(Heap, what_overflows_is_out_of_memory) {
  constexpr std::size_t kHuge = SIZE_MAX;
  void* const old = refmalloc_malloc(100);
  std::memset(old, 5, 100);
  const auto expect_refusal = [](void* result) {
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(errno, ENOMEM);
    errno = 0;
  };
  errno = 0;
  for (const std::size_t size : {kHuge, kHuge - 15, kHuge - 65536, kHuge / 2, kHuge / 2 + 1}) {
    expect_refusal(refmalloc_malloc(size));
    expect_refusal(refmalloc_realloc(old, size));
    expect_refusal(refmalloc_memalign(64, size));
    expect_refusal(refmalloc_memalign(1 << 20, size));
    expect_refusal(refmalloc_aligned_alloc(4096, size));
    expect_refusal(refmalloc_valloc(size));
    expect_refusal(refmalloc_pvalloc(size));
  }
  expect_refusal(refmalloc_memalign(std::size_t{1} << 63, 1));
  expect_refusal(refmalloc_calloc(kHuge / 16, 17));
  expect_refusal(refmalloc_calloc(kHuge, kHuge));
  expect_refusal(refmalloc_calloc(kHuge / 2 + 1, 2));
  expect_refusal(refmalloc_reallocarray(old, kHuge / 16, 17));
  // The product wraps to nothing, which would free the object.
  expect_refusal(refmalloc_reallocarray(old, kHuge / 2 + 1, 2));
  expect_refusal(refmalloc_reallocarray(nullptr, kHuge / 2 + 1, 2));
  EXPECT_TRUE(all_bytes_are(old, 100, 5)) << "a refused realloc leaves the object alone";
  refmalloc_free(old);
}

// Silent error: an address with a smaller alignment.
TEST(Heap, gives_every_power_of_two_alignment_up_to_64M) {
  for (std::size_t alignment = 8; alignment <= (64u << 20); alignment *= 2) {
    for (const std::size_t size : {0ul, 1ul, 100ul, 5000ul, 70000ul, 9ul << 20}) {
      void* object = nullptr;
      ASSERT_EQ(refmalloc_posix_memalign(&object, alignment, size), 0);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % alignment, 0u) << alignment;
      EXPECT_GE(refmalloc_malloc_usable_size(object), size);
      std::memset(object, 1, size);
      refmalloc_free(object);
      object = refmalloc_aligned_alloc(alignment, size);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % alignment, 0u) << alignment;
      refmalloc_free_aligned_sized(object, alignment, size);
    }
  }
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(refmalloc_valloc(10)) % 4096, 0u);
  EXPECT_GE(refmalloc_malloc_usable_size(refmalloc_pvalloc(4097)), 8192u);
}

// Silent error: a mapping that began at any page is cached and then serves a larger alignment. The
// odd page in front of each mapping makes the kernel hand out addresses that no slice begins at;
// from 2 MiB on it may align them to huge pages.
TEST(Heap, large_objects_from_the_cache_have_the_alignment_asked_for) {
  constexpr std::size_t kLarge = 1u << 20;
  constexpr std::size_t kBlocker = kLarge + 4096;
  const long long threshold = refmalloc_option("mmap_threshold");
  ASSERT_EQ(refmalloc_mallopt(-3, kLarge), 1);
  std::vector<void*> blockers;
  refmalloc_malloc_trim(0);
  for (int i = 0; i < 16; ++i) {
    blockers.push_back(mmap(nullptr, kBlocker, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    refmalloc_free(refmalloc_malloc(kLarge));
    void* object = nullptr;
    ASSERT_EQ(refmalloc_posix_memalign(&object, 65536, kLarge), 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % 65536, 0u);
    refmalloc_free(object);
    refmalloc_malloc_trim(0);
  }
  for (void* blocker : blockers) munmap(blocker, kBlocker);
  refmalloc_mallopt(-3, static_cast<int>(threshold));
}

// Silent error: a wrong alignment is rounded to some other.
TEST(Heap, refuses_alignments_that_are_no_power_of_two) {
  void* untouched = &untouched;
  const auto expect_invalid = [&](std::size_t alignment) {
    EXPECT_EQ(refmalloc_posix_memalign(&untouched, alignment, 10), EINVAL) << alignment;
    for (auto* const function : {refmalloc_aligned_alloc, refmalloc_memalign}) {
      errno = 0;
      EXPECT_EQ(function(alignment, 10), nullptr) << alignment;
      EXPECT_EQ(errno, EINVAL) << alignment;
    }
  };
  for (std::size_t alignment = 0; alignment < 5000; ++alignment) {
    if (!std::has_single_bit(alignment)) expect_invalid(alignment);
  }
  expect_invalid((64ul << 20) + 8);
  expect_invalid(SIZE_MAX);
  for (const std::size_t alignment : {1ul, 2ul, 4ul}) {
    EXPECT_EQ(refmalloc_posix_memalign(&untouched, alignment, 10), EINVAL) << "less than a pointer";
  }
  EXPECT_EQ(untouched, &untouched);
  errno = 0;
  EXPECT_EQ(refmalloc_posix_memalign(&untouched, 16, SIZE_MAX), ENOMEM);
  EXPECT_EQ(errno, 0) << "posix_memalign tells by its result only";
}

// Silent error: the promised room reaches into the neighbour.
TEST(Heap, usable_bytes_never_overlap_a_neighbour) {
  std::vector<std::pair<unsigned char*, std::size_t>> live;
  unsigned char mark = 0;
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size : kSizes) {
      auto* const object = static_cast<unsigned char*>(refmalloc_malloc(size));
      const std::size_t usable = refmalloc_malloc_usable_size(object);
      ASSERT_GE(usable, size);
      std::memset(object, ++mark, usable);
      live.emplace_back(object, usable);
    }
  }
  mark = 0;
  for (const auto& [object, usable] : live) {
    EXPECT_TRUE(all_bytes_are(object, usable, ++mark));
    refmalloc_free(object);
  }
  EXPECT_EQ(refmalloc_malloc_usable_size(nullptr), 0u);
}

// Silent error: calloc trusts memory that has been used.
TEST(Heap, calloc_is_zero_after_reuse_and_after_a_purge) {
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size : kSizes) {
      void* const object = refmalloc_calloc(1, size);
      ASSERT_TRUE(all_bytes_are(object, size, 0)) << size << " in round " << round;
      std::memset(object, 0xff, refmalloc_malloc_usable_size(object));
      refmalloc_free(object);
    }
    if (round == 1) refmalloc_malloc_trim(0);
  }
}

// What objects are filled with: no two places look alike, so a copy from the wrong one shows.
const std::vector<std::uint32_t>& pattern() {
  static const std::vector<std::uint32_t> words = [] {
    std::vector<std::uint32_t> made((12u << 20) / sizeof(std::uint32_t));
    std::uint32_t word = 1;
    for (std::uint32_t& each : made) each = word = word * 1664525 + 1013904223;
    return made;
  }();
  return words;
}

// Both sides of each step that usable sizes make, up to `most`.
std::vector<std::size_t> sizes_around_steps(std::size_t most) {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 1; size <= most;) {
    void* const object = refmalloc_malloc(size);
    const std::size_t usable = refmalloc_malloc_usable_size(object);
    refmalloc_free(object);
    sizes.push_back(size);
    if (usable > size) sizes.push_back(usable);
    size = usable + 1;
  }
  return sizes;
}

void expect_contents_are_kept(const std::vector<std::size_t>& sizes) {
  for (const std::size_t from : sizes) {
    for (const std::size_t to : sizes) {
      void* const object = refmalloc_malloc(from);
      std::memcpy(object, pattern().data(), from);
      void* const moved = refmalloc_realloc(object, to);
      ASSERT_NE(moved, nullptr);
      ASSERT_EQ(std::memcmp(moved, pattern().data(), std::min(from, to)), 0)
          << from << " to " << to;
      ASSERT_GE(refmalloc_malloc_usable_size(moved), to);
      std::memset(moved, 1, to);
      refmalloc_free(moved);
    }
  }
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

// Silent error: a path of realloc copies too little or from the wrong place.
TEST(Heap, realloc_keeps_contents_between_all_size_classes) {
  expect_contents_are_kept(sizes_around_steps(40'000));
}

// Silent error: the same between slabs, runs and mappings, wherever the threshold lies.
TEST(Heap, realloc_keeps_contents_across_slices_and_the_mmap_threshold) {
  const long long before = refmalloc_option("mmap_threshold");
  for (const std::size_t threshold : {128ul << 10, 8ul << 20}) {
    ASSERT_EQ(refmalloc_mallopt(-3, static_cast<int>(threshold)), 1);
    std::vector<std::size_t> sizes = {1, 1000, 32767, 32768, 32769};
    for (const std::size_t edge : {65536ul, 131072ul, 1ul << 20, threshold, 2 * threshold}) {
      if (edge < (12u << 20)) sizes.insert(sizes.end(), {edge - 1, edge, edge + 1});
    }
    expect_contents_are_kept(sizes);
  }
  refmalloc_mallopt(-3, static_cast<int>(before));
}

TEST(Heap, realloc_of_nothing_allocates_and_to_nothing_frees) {
  void* const object = refmalloc_realloc(nullptr, 100);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(refmalloc_realloc(object, 0), nullptr);
  void* const array = refmalloc_reallocarray(nullptr, 10, 10);
  EXPECT_GE(refmalloc_malloc_usable_size(array), 100u);
  refmalloc_free_sized(array, 100);
}

// Silent error: growing by realloc copies everything each time, or returns old pages as new.
TEST(Heap, a_large_object_grows_without_losing_a_page) {
  std::size_t size = 10u << 20;
  auto* object = static_cast<char*>(refmalloc_malloc(size));
  for (std::size_t at = 0; at < size; at += 4096) object[at] = static_cast<char>(at >> 12);
  while (size < (200u << 20)) {
    const std::size_t grown = size + size / 2;
    object = static_cast<char*>(refmalloc_realloc(object, grown));
    for (std::size_t at = size & ~std::size_t{4095}; at < grown; at += 4096) {
      object[at] = static_cast<char>(at >> 12);
    }
    size = grown;
  }
  for (std::size_t at = 0; at < size; at += 4096)
    ASSERT_EQ(object[at], static_cast<char>(at >> 12));
  refmalloc_free(object);
}

long faults_count() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// Silent error: churn above the threshold maps, faults and unmaps each time.
TEST(Heap, large_churn_reuses_its_pages) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the sanitizer's own memory faults along";
#endif
  constexpr std::size_t kPage = 65536;  // the largest there is
  void* const live = refmalloc_malloc(60u << 20);
  long touched = 0;
  const long before = faults_count();
  for (std::size_t i = 0; i < 60; ++i) {
    const std::size_t size = (12u << 20) + i % 7 * (1u << 20);
    auto* const object = static_cast<char*>(refmalloc_malloc(size));
    for (std::size_t at = 0; at < size; at += kPage, ++touched) object[at] = 1;
    refmalloc_free(object);
  }
  EXPECT_LT(faults_count() - before, touched / 4);
  refmalloc_free(live);
}

// Silent error: memory that was freed stays resident for ever.
TEST(Heap, trim_returns_what_is_free) {
  std::vector<void*> objects;
  for (int i = 0; i < 20'000; ++i) {
    objects.push_back(refmalloc_malloc(1000));
    std::memset(objects.back(), 1, 1000);
  }
  for (void* object : objects) refmalloc_free(object);
  EXPECT_EQ(refmalloc_malloc_trim(0), 1);
  refmalloc_statistics now{};
  refmalloc_stats(&now);
  EXPECT_EQ(now.dirty_bytes, 0u);
  EXPECT_LT(now.active_bytes, 4u << 20);
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

TEST(Heap, knows_its_own_objects_from_others) {
  for (const std::size_t size : kSizes) {
    auto* const object = static_cast<char*>(refmalloc_malloc(size));
    EXPECT_EQ(refmalloc_owns(object), 1);
    EXPECT_EQ(refmalloc_owns(object + 1), 0);
    refmalloc_free(object);
  }
  int local = 0;
  EXPECT_EQ(refmalloc_owns(&local), 0);
  EXPECT_EQ(refmalloc_owns(nullptr), 0);
}

TEST(Heap, mallopt_and_options_agree) {
  const long long before = refmalloc_option("mmap_threshold");
  EXPECT_EQ(refmalloc_mallopt(-3, 1 << 20), 1);
  EXPECT_EQ(refmalloc_option("mmap_threshold"), 1 << 20);
  void* const object = refmalloc_malloc(1 << 20);
  refmalloc_statistics now{};
  refmalloc_stats(&now);
  EXPECT_GE(now.large_bytes, 1u << 20);
  refmalloc_free(object);
  EXPECT_EQ(refmalloc_mallopt(-3, static_cast<int>(before)), 1);
  EXPECT_EQ(refmalloc_mallopt(12345, 1), 0);
  EXPECT_EQ(refmalloc_option("no such thing"), -1);
  EXPECT_STRNE(refmalloc_version(), "");
}

TEST(Heap, reports_itself_in_the_forms_of_the_c_library) {
  void* const object = refmalloc_malloc(1 << 20);
  EXPECT_GE(refmalloc_mallinfo2().uordblks, 1u << 20);
  EXPECT_GE(refmalloc_mallinfo().uordblks, 1 << 20);
  testing::internal::CaptureStderr();
  refmalloc_malloc_stats();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("active_bytes"), std::string::npos);
  char* text = nullptr;
  std::size_t length = 0;
  FILE* const stream = open_memstream(&text, &length);
  EXPECT_EQ(refmalloc_malloc_info(0, stream), 0);
  fclose(stream);
  EXPECT_NE(std::string(text, length).find("</malloc>"), std::string::npos);
  std::free(text);
  EXPECT_EQ(refmalloc_malloc_info(1, stdout), EINVAL);
  refmalloc_free(object);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Silent error: a refused mmap is used, or what is cached stands in the way of what is asked for.
TEST(Heap, under_an_address_space_limit_it_answers_null_and_goes_on) {
  const auto until_refused = [](std::size_t size) {
    std::vector<void*> objects;
    objects.reserve(200'000);
    while (void* const object = refmalloc_malloc(size)) objects.push_back(object);
    EXPECT_EQ(errno, ENOMEM);
    for (void* object : objects) refmalloc_free(object);
    return objects.size();
  };
  const auto in_limited_child = [&] {
    const rlimit limit{.rlim_cur = 256u << 20, .rlim_max = 256u << 20};
    setrlimit(RLIMIT_AS, &limit);
    bool fine = true;
    for (const std::size_t size : {1000ul, 20'000ul, 300'000ul, 20ul << 20, 1000ul}) {
      fine = fine && until_refused(size) * size > (32u << 20);
    }
    _exit(fine && refmalloc::heap_is_valid() && !testing::Test::HasFailure() ? 0 : 1);
  };
  EXPECT_EXIT(in_limited_child(), testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
