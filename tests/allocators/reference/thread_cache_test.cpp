// Caches of the test's own over an arena that no thread uses, so that every miss is the test's.

#include "allocators/reference/thread_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace refmalloc {
namespace {

constexpr std::size_t kSmallClass = 1;
constexpr std::size_t kBatchEntries = batch_limit(kSmallClass);
constexpr std::size_t kLimit = magazine_limit(kSmallClass);

// The short paths of malloc and free over one magazine.
class Thread {
 public:
  explicit Thread(Arena& arena, std::size_t size_class = kSmallClass) : size_class_(size_class) {
    cache_->open(arena);
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread() { cache_->flush_all(); }

  [[nodiscard]] Magazine magazine() { return cache_->magazine(size_class_); }
  [[nodiscard]] ThreadCache& cache() { return *cache_; }

  void* allocate() {
    if (magazine().top == magazine().low) return cache_->refill(size_class_);
    return *--magazine().top;
  }

  void free(void* object) {
    if (magazine().top == magazine().high) return cache_->push_full(size_class_, object);
    *magazine().top++ = object;
  }

  // Allocates until a miss.
  void empty(std::vector<void*>& objects) {
    while (magazine().held() > 0) objects.push_back(allocate());
    objects.push_back(allocate());
  }

  // Frees until a miss.
  void fill(std::vector<void*>& objects) {
    for (bool missed = false; !missed; objects.pop_back()) {
      missed = magazine().top == magazine().high;
      free(objects.back());
    }
  }

 private:
  std::size_t size_class_;
  std::unique_ptr<ThreadCache> cache_ = std::make_unique<ThreadCache>();
};

class ThreadCacheTest : public testing::Test {
 protected:
  ~ThreadCacheTest() override {
    EXPECT_EQ(arena_.usage(kSmallClass).objects_out, 0u) << "an object got lost";
    EXPECT_TRUE(arena_.is_valid());
  }

  // Objects enough for a magazine to be filled again and again.
  [[nodiscard]] std::vector<void*> supply() {
    std::vector<void*> objects;
    Thread producer(arena_);
    for (int i = 0; i < 5000; ++i) objects.push_back(producer.allocate());
    return objects;
  }

  Arena& arena_ = arenas[kMostArenas - 1];
};

// Silent error: a producer's magazine grows although nothing in it is used twice, and each thread
// and class ties up what fits in.
TEST_F(ThreadCacheTest, a_producer_keeps_a_batch_and_takes_whole_ones) {
  std::vector<void*> objects;
  Thread producer(arena_);
  const std::uint64_t before = arena_.usage(kSmallClass).refills_count;
  for (int i = 0; i < 5000; ++i) {
    objects.push_back(producer.allocate());
    ASSERT_LE(producer.magazine().room(), kBatchEntries);
  }
  EXPECT_EQ(producer.magazine().room(), kBatchEntries) << "small batches would lock too often";
  EXPECT_LE(arena_.usage(kSmallClass).refills_count - before, 5000 / kBatchEntries + 6);
  Thread other(arena_);
  for (void* object : objects) other.free(object);
}

// Silent error: what a consumer frees stays with it, and the producer needs ever more memory.
TEST_F(ThreadCacheTest, a_consumer_keeps_a_batch_and_gives_back_whole_ones) {
  const std::vector<void*> objects = supply();
  Thread consumer(arena_);
  const std::uint64_t before = arena_.usage(kSmallClass).flushes_count;
  for (void* object : objects) {
    consumer.free(object);
    ASSERT_LE(consumer.magazine().held(), kBatchEntries);
    ASSERT_LE(consumer.magazine().room(), kBatchEntries);
  }
  EXPECT_EQ(consumer.magazine().room(), kBatchEntries);
  EXPECT_LE(arena_.usage(kSmallClass).flushes_count - before, objects.size() / kBatchEntries + 6);
}

// Silent error: a thread that allocates and frees in turns keeps missing, since its magazine does
// not grow; or it grows into the slots of the next class.
TEST_F(ThreadCacheTest, misses_that_change_sides_double_a_magazine_to_its_limit) {
  std::vector<void*> objects = supply();
  Thread thread(arena_);
  std::size_t expected = thread.magazine().room();
  while (expected < 4 * kLimit) {
    expected *= 2;
    thread.empty(objects);
    ASSERT_EQ(thread.magazine().room(), std::min(expected, kLimit));
    expected *= 2;
    thread.fill(objects);
    ASSERT_EQ(thread.magazine().room(), std::min(expected, kLimit));
    ASSERT_TRUE(thread.cache().is_valid());
  }
  for (void* object : objects) thread.free(object);
}

// Silent error: a magazine that grew in a busy phase stays that long in a thread that only frees.
TEST_F(ThreadCacheTest, a_long_streak_of_full_misses_shrinks_a_magazine_to_a_batch) {
  std::vector<void*> objects = supply();
  Thread thread(arena_);
  while (thread.magazine().room() < kLimit) {
    thread.empty(objects);
    thread.fill(objects);
  }
  thread.fill(objects);
  EXPECT_EQ(thread.magazine().room(), kLimit) << "two misses may come from chance";
  std::size_t room = kLimit;
  while (room > kBatchEntries) {
    thread.fill(objects);
    ASSERT_LT(thread.magazine().room(), room);
    ASSERT_GE(thread.magazine().room(), kBatchEntries);
    ASSERT_LE(thread.magazine().top, thread.magazine().high);
    ASSERT_TRUE(thread.cache().is_valid());
    room = thread.magazine().room();
  }
  thread.fill(objects);
  EXPECT_EQ(thread.magazine().room(), kBatchEntries);
  for (void* object : objects) thread.free(object);
}

// Silent error: the same in a thread that only allocates.
TEST_F(ThreadCacheTest, a_long_streak_of_empty_misses_shrinks_a_magazine_to_a_batch) {
  std::vector<void*> objects = supply();
  Thread thread(arena_);
  while (thread.magazine().room() < kLimit) {
    thread.fill(objects);
    thread.empty(objects);
  }
  for (int misses = 0; misses < 12; ++misses) {
    thread.empty(objects);
    ASSERT_GE(thread.magazine().room(), kBatchEntries);
    ASSERT_TRUE(thread.cache().is_valid());
  }
  EXPECT_EQ(thread.magazine().room(), kBatchEntries);
  for (void* object : objects) thread.free(object);
}

// Silent error: a class has so few entries that nearly every call takes a lock, or so many that
// each thread ties up megabytes.
TEST(MagazineLimits, bound_entries_and_bytes_of_every_class) {
  constexpr std::size_t kKilobyte = 1024;
  for (std::size_t c = 1; c <= kLastRunClass; ++c) {
    const std::size_t limit = magazine_limit(c);
    const std::size_t bytes = kept_bytes(c);
    EXPECT_GE(limit, 1u) << c;
    EXPECT_LE(limit, 128u) << c;
    EXPECT_GE(limit, bytes <= 32 * kKilobyte ? 8u : 1u) << c;
    EXPECT_LE(limit * bytes, (limit > 8 ? 16 : 256) * kKilobyte) << c;
  }
  EXPECT_EQ(kept_bytes(kFirstRunClass), 2 * kSliceBytes);
  EXPECT_EQ(kept_bytes(kLastRunClass), 4 * kSliceBytes);
}

// Silent error: a miss writes past its array of kBatch pointers, or moves so much that what lies
// between two threads is a page many times over.
TEST(MagazineLimits, bound_what_a_miss_moves) {
  for (std::size_t c = 1; c <= kLastRunClass; ++c) {
    const std::size_t limit = batch_limit(c);
    EXPECT_GE(limit, kFewestEntries) << c;
    EXPECT_LE(limit, kBatch) << c;
    if (limit > kFewestEntries) {
      EXPECT_LE(limit * kept_bytes(c), kBatchBytes) << c;
    }
  }
}

// Silent error: the magazines of two classes share a slot, and an object changes its class.
TEST(MagazineLimits, every_magazine_has_room_of_its_own) {
  const auto cache = std::make_unique<ThreadCache>();
  cache->open(arenas[kMostArenas - 1]);
  EXPECT_TRUE(cache->is_valid());
  for (std::size_t c = 1; c < kLastRunClass; ++c) {
    // The guard of the next magazine lies between.
    EXPECT_LT(cache->lows[c] + magazine_limit(c), cache->lows[c + 1]) << c;
    EXPECT_GE(cache->magazine(c).room(), 1u) << c;
  }
}

}  // namespace
}  // namespace refmalloc
