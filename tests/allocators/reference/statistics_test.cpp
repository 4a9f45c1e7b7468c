// What the allocator says of itself against what the test knows, on the build with prefixed names.

#include "allocators/reference/statistics.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "allocators/reference/geometry.h"
#include "allocators/reference/heap.h"
#include "allocators/reference/interface.h"
#include "allocators/reference/size_classes.h"
#include "allocators/reference/thread_cache.h"

namespace refmalloc {
namespace {

constexpr std::size_t kSizes[] = {1, 100, 1000, 5000, 32768, 40'000, 300'000, 9u << 20};

std::uint64_t held_by_the_program(const refmalloc_statistics& now) {
  return now.allocated_bytes - now.cached_bytes;
}

// Silent error: a counter that misses one way in or out (refill, flush, remote, realloc, trim) and
// drifts for ever.
TEST(Statistics, know_to_the_byte_what_the_program_holds) {
  std::vector<void*> objects;
  std::uint64_t usable = 0;
  const auto before = held_by_the_program(statistics());
  const auto expect_agreement = [&](const char* when) {
    EXPECT_EQ(held_by_the_program(statistics()) - before, usable) << when;
  };
  for (int round = 0; round < 50; ++round) {
    for (const std::size_t size : kSizes) {
      objects.push_back(refmalloc_malloc(size));
      usable += refmalloc_malloc_usable_size(objects.back());
    }
  }
  expect_agreement("after many mallocs");
  for (void*& object : objects) {
    usable -= refmalloc_malloc_usable_size(object);
    object = refmalloc_realloc(object, 2 * refmalloc_malloc_usable_size(object));
    usable += refmalloc_malloc_usable_size(object);
  }
  expect_agreement("after every object has grown");
  std::thread([&] {
    for (std::size_t i = 0; i < objects.size(); i += 2) {
      usable -= refmalloc_malloc_usable_size(objects[i]);
      refmalloc_free(objects[i]);
    }
  }).join();
  refmalloc_malloc_trim(0);  // takes in what is on its way to another arena
  expect_agreement("after another thread has freed half");
  for (std::size_t i = 1; i < objects.size(); i += 2) refmalloc_free(objects[i]);
  usable = 0;
  expect_agreement("after everything is freed");
}

// Silent error: memory that belongs to nobody, or to two layers at once.
TEST(Statistics, leave_no_mapped_byte_unexplained) {
  std::vector<void*> objects;
  const auto expect_sum = [](const char* when) {
    const refmalloc_statistics now = statistics();
    EXPECT_EQ(now.mapped_bytes, now.active_bytes + now.retained_bytes + now.metadata_mapped_bytes)
        << when;
    EXPECT_LE(now.allocated_bytes, now.active_bytes) << when;
    EXPECT_LE(now.dirty_bytes, now.retained_bytes) << when;
    EXPECT_LE(now.metadata_bytes, now.metadata_mapped_bytes) << when;
  };
  for (int round = 0; round < 40; ++round) {
    for (const std::size_t size : kSizes) objects.push_back(refmalloc_malloc(size));
  }
  expect_sum("with live objects");
  for (std::size_t i = 0; i < objects.size(); i += 3) {
    objects[i] = refmalloc_realloc(objects[i], 20u << 20);
  }
  expect_sum("after growing across the threshold");
  for (void* object : objects) refmalloc_free(object);
  expect_sum("after freeing");
  refmalloc_malloc_trim(0);
  expect_sum("after a trim");
}

// Silent error: a whole that is not the sum of the parts a reader is shown.
TEST(Statistics, of_arenas_and_classes_add_up_to_the_whole) {
  std::vector<void*> objects;
  for (int i = 0; i < 3000; ++i) objects.push_back(refmalloc_malloc(1 + i * 7 % 30'000));
  objects.push_back(refmalloc_malloc(200'000));
  const refmalloc_statistics whole = statistics();
  refmalloc_statistics sum{};
  unsigned arena = 0;
  for (refmalloc_arena_statistics runs{}; refmalloc_arena_stats(arena, &runs) != 0; ++arena) {
    EXPECT_EQ(runs.mapped_bytes, runs.active_bytes + runs.retained_bytes);
    sum.active_bytes += runs.active_bytes;
    sum.medium_bytes += runs.medium_bytes;
    std::uint64_t slab_bytes = 0;
    unsigned size_class = 1;
    for (refmalloc_class_statistics row{}; refmalloc_class_stats(arena, size_class, &row) != 0;
         ++size_class) {
      EXPECT_EQ(row.object_bytes, kept_bytes(size_class));
      EXPECT_LE(row.allocated_bytes, row.active_bytes);
      slab_bytes += row.active_bytes;
      sum.slabs_count += row.slabs_count;
      sum.allocated_bytes += row.allocated_bytes;
      sum.cached_bytes += row.cached_bytes;
      sum.refills_count += row.refills_count;
      sum.flushes_count += row.flushes_count;
    }
    EXPECT_EQ(size_class, kLastRunClass + 1);
    EXPECT_EQ(slab_bytes + runs.medium_bytes, runs.active_bytes);
  }
  EXPECT_EQ(arena, whole.arenas_count);
  EXPECT_EQ(sum.active_bytes + whole.large_bytes, whole.active_bytes);
  EXPECT_EQ(sum.allocated_bytes + whole.medium_bytes + whole.large_bytes, whole.allocated_bytes);
  EXPECT_EQ(sum.medium_bytes, whole.medium_bytes);
  EXPECT_EQ(sum.slabs_count, whole.slabs_count);
  EXPECT_EQ(sum.cached_bytes, whole.cached_bytes);
  EXPECT_EQ(sum.refills_count, whole.refills_count);
  EXPECT_EQ(sum.flushes_count, whole.flushes_count);
  EXPECT_GT(whole.medium_bytes, 0u);
  for (void* object : objects) refmalloc_free(object);
}

// Silent error: a mechanism counted where it does not happen, or not counted where it does.
TEST(Statistics, show_a_remote_free_only_where_there_is_one) {
  constexpr unsigned kClass = 30;
  constexpr std::size_t kObjects = 2000;
  const std::size_t size = bytes_of_class(kClass);
  refmalloc_mallopt(-8, 2);  // M_ARENA_MAX
  std::vector<void*> objects(kObjects);
  const auto own = [&] {
    for (void*& object : objects) object = refmalloc_malloc(size);
    for (void* object : objects) refmalloc_free(object);
  };
  const auto remote = [&] {
    for (void*& object : objects) object = refmalloc_malloc(size);
    std::thread([&] {
      for (void* object : objects) refmalloc_free(object);
    }).join();
  };
  const refmalloc_statistics first = statistics();
  own();
  const refmalloc_statistics second = statistics();
  EXPECT_GT(second.refills_count, first.refills_count);
  EXPECT_GT(second.flushes_count, first.flushes_count);
  EXPECT_EQ(second.remote_batches_count, first.remote_batches_count);
  remote();
  const refmalloc_statistics third = statistics();
  const auto batches = third.remote_batches_count - second.remote_batches_count;
  EXPECT_GE(batches, kObjects / kWordBits) << "at most a word of bits at once";
  EXPECT_LE(batches, kObjects);
}

// Silent error: a name that reads another field, or a 0 for what does not exist.
TEST(Statistics, are_found_by_name) {
  void* const object = refmalloc_malloc(1000);
  const refmalloc_statistics now = statistics();
  for (const auto& field : kFields) {
    EXPECT_EQ(refmalloc_statistic(field.name), static_cast<long long>(now.*field.value))
        << field.name;
  }
  EXPECT_EQ(refmalloc_statistic("no_such_bytes"), -1);
  refmalloc_class_statistics row{};
  EXPECT_EQ(refmalloc_class_stats(0, 0, &row), 0);
  EXPECT_EQ(refmalloc_class_stats(kMostArenas, 1, &row), 0);
  refmalloc_free(object);
}

// Silent error (under the sanitizers): a reader that races with the threads it looks at.
TEST(Statistics, may_be_read_while_threads_work) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy;
  for (int t = 0; t < 3; ++t) {
    busy.emplace_back([&] {
      std::vector<void*> objects(300);
      while (!stop) {
        for (std::size_t i = 0; i < objects.size(); ++i) objects[i] = refmalloc_malloc(16 + i * 13);
        for (void* object : objects) refmalloc_free(object);
      }
    });
  }
  for (int look = 0; look < 50; ++look) {
    const refmalloc_statistics now = statistics();
    EXPECT_LE(now.cached_bytes, now.thread_caches_count * kClassesCount * (256u << 10));
    std::this_thread::yield();
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();
  EXPECT_TRUE(heap_is_valid());
}

// Silent error: columns that say other things than their headings, rows of classes never used.
TEST(Statistics, are_a_table_of_arenas_and_classes_on_stderr) {
  void* const object = refmalloc_malloc(100);
  testing::internal::CaptureStderr();
  refmalloc_malloc_stats();
  const std::string table = testing::internal::GetCapturedStderr();
  refmalloc_free(object);
  for (const auto& field : kFields) EXPECT_NE(table.find(field.name), std::string::npos);
  EXPECT_NE(table.find("\narena 0\n"), std::string::npos);
  const std::size_t heading = table.find("object_bytes");
  const std::size_t line = table.rfind('\n', heading) + 1;
  const std::size_t end = heading + std::strlen("object_bytes") - line;
  const std::string row = table.substr(table.find('\n', heading) + 1, end);
  EXPECT_NE(row.find_first_of("123456789"), std::string::npos) << table;
  EXPECT_EQ(row.find_first_not_of(" 0123456789"), std::string::npos) << table;
}

}  // namespace
}  // namespace refmalloc
