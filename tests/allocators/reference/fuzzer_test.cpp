// Random calls of the whole interface, against a shadow of what each object is and holds.
//
// Every live object is entered in a shadow map with all its usable bytes, so two that overlap are
// found when the second is handed out. It is marked at both ends and inside; the marks are compared
// when it is resized or freed, so a lost copy or a write from elsewhere shows.
//
//   HEAPWISE_FUZZ_OPERATIONS   operations in total, over all seeds
//   HEAPWISE_FUZZ_SEEDS        seeds are 1 to this number

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "allocators/reference/heap.h"
#include "allocators/reference/interface.h"
#include "tests/allocators/reference/shadow_map.h"

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kUsualOperations = 54'000;
#else
constexpr std::size_t kUsualOperations = 450'000;
#endif
constexpr std::size_t kUsualSeeds = 3;
constexpr std::size_t kThreads = 4;
// Threads end after so many operations and leave their objects to others.
constexpr std::size_t kOperationsOfThread = 50'000;
constexpr std::size_t kMostLive = 400;
constexpr std::size_t kMostLiveBytes = std::size_t{64} << 20;

std::size_t from_environment(const char* name, std::size_t usual) {
  const char* const text = std::getenv(name);
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

std::size_t seeds_count() {
  return from_environment("HEAPWISE_FUZZ_SEEDS", kUsualSeeds);
}

// A third by one thread, the rest by several.
std::size_t operations_of_one_thread() {
  return from_environment("HEAPWISE_FUZZ_OPERATIONS", kUsualOperations) / seeds_count() / 3;
}

struct Object {
  unsigned char* start = nullptr;
  std::size_t bytes = 0;
  std::size_t usable = 0;
  std::size_t alignment = 0;  // asked for; 0 for none
  unsigned char mark = 0;
};

// What the fuzzers of one test share. Threads hand objects to each other through `swap`.
class World {
 public:
  Object swap(Object mine, std::size_t at) {
    const std::lock_guard guard(mutex_);
    std::swap(mine, objects_[at % objects_.size()]);
    return mine;
  }

  void leave_behind(std::vector<Object>& objects) {
    const std::lock_guard guard(mutex_);
    objects_.insert(objects_.end(), objects.begin(), objects.end());
    objects.clear();
  }

  std::vector<Object> take_all() {
    const std::lock_guard guard(mutex_);
    return std::exchange(objects_, std::vector<Object>(kSlots));
  }

  ShadowMap live;
  std::atomic<bool> failed{false};

 private:
  static constexpr std::size_t kSlots = 64;
  std::mutex mutex_;
  std::vector<Object> objects_ = std::vector<Object>(kSlots);
};

class Fuzzer {
 public:
  Fuzzer(std::size_t seed, World& world) : random_(seed), world_(world) {}

  void run(std::size_t operations) {
    for (std::size_t i = 0; i < operations && !world_.failed; ++i) one_step();
  }

  void adopt(std::vector<Object> objects) {
    std::erase_if(objects, [](const Object& object) { return object.start == nullptr; });
    live_.insert(live_.end(), objects.begin(), objects.end());
    for (const Object& object : objects) live_bytes_ += object.usable;
  }

  void release_all() {
    while (!live_.empty()) release(live_.size() - 1);
  }

  void leave_all_behind() { world_.leave_behind(live_); }

 private:
  // The first fault ends the whole test: what follows from it would hide it.
  void expect(bool holds, const char* what, const Object& object) {
    if (holds) [[likely]]
      return;
    if (world_.failed.exchange(true)) return;
    ADD_FAILURE() << what << ": object at " << static_cast<void*>(object.start) << " of "
                  << object.bytes << " bytes, usable " << object.usable << ", alignment "
                  << object.alignment;
  }

  // Few places of a large object, so that most of it stays untouched.
  template <class Visit>
  static void visit_marks(const Object& object, std::size_t bytes, Visit visit) {
    const std::size_t edge = std::min<std::size_t>(bytes, 64);
    const std::size_t stride = std::max<std::size_t>(1024, bytes / 16);
    for (std::size_t at = 0; at < edge; ++at) visit(object.start[at]);
    for (std::size_t at = 64; at < bytes; at += stride) visit(object.start[at]);
  }

  static void visit_end(const Object& object, auto visit) {
    const std::size_t edge = std::min<std::size_t>(object.usable, 64);
    for (std::size_t at = object.usable - edge; at < object.usable; ++at) visit(object.start[at]);
  }

  void check(const Object& object) {
    bool intact = true;
    const auto compare = [&](unsigned char byte) { intact &= byte == object.mark; };
    visit_marks(object, object.bytes, compare);
    visit_end(object, compare);
    expect(intact, "contents changed", object);
    expect(refmalloc_malloc_usable_size(object.start) == object.usable, "usable size changed",
           object);
  }

  static bool is_zero(const unsigned char* start, std::size_t bytes) {
    return bytes == 0 || (start[0] == 0 && std::memcmp(start, start + 1, bytes - 1) == 0);
  }

  std::size_t below(std::size_t limit) { return random_() % limit; }

  std::size_t some_size() {
    const std::size_t kind = below(1000);
    if (kind < 700) return below(1025);
    if (kind < 940) return below(33'000);
    if (kind < 998) return below(std::size_t{1} << below(20));
    return below(std::size_t{20} << 20);
  }

  std::size_t some_alignment() { return std::size_t{8} << below(below(50) == 0 ? 18 : 10); }

  void one_step() {
    const std::size_t what = below(1000);
    if (live_.size() < 10 || (what < 450 && has_room())) {
      allocate();
    } else if (what < 600) {
      resize(below(live_.size()));
    } else if (what < 700) {
      exchange(below(live_.size()));
    } else if (what < 998) {
      release(below(live_.size()));
    } else if (what < 999) {
      ask_too_much();
    } else {
      turn_a_knob();
    }
  }

  [[nodiscard]] bool has_room() const {
    return live_.size() < kMostLive && live_bytes_ < kMostLiveBytes;
  }

  void allocate() {
    Object object{.bytes = some_size()};
    errno = EDOM;
    object.start = static_cast<unsigned char*>(allocated_somehow(object));
    expect(object.start != nullptr || object.bytes == 0, "no memory", object);
    expect(errno == EDOM || object.start == nullptr, "errno of a success", object);
    if (object.start != nullptr) enter(object);
  }

  void* allocated_somehow(Object& object) {
    void* start = nullptr;
    switch (below(12)) {
      case 0:
      case 1:
        start = refmalloc_calloc(object.bytes, 1);
        expect(start == nullptr || is_zero(static_cast<unsigned char*>(start), object.bytes),
               "calloc is not zero", object);
        return start;
      case 2:
        object.alignment = some_alignment();
        expect(refmalloc_posix_memalign(&start, object.alignment, object.bytes) == 0,
               "posix_memalign fails", object);
        return start;
      case 3:
        object.alignment = some_alignment();
        return refmalloc_aligned_alloc(object.alignment, object.bytes);
      case 4:
        object.alignment = some_alignment() / 8;
        return refmalloc_memalign(object.alignment, object.bytes);
      case 5:
        object.alignment = 4096;
        return below(2) == 0 ? refmalloc_valloc(object.bytes) : refmalloc_pvalloc(object.bytes);
      case 6:
        return refmalloc_reallocarray(nullptr, object.bytes, 1);
      case 7:
        return refmalloc_realloc(nullptr, object.bytes);
      default:
        return refmalloc_malloc(object.bytes);
    }
  }

  void enter(Object& object) {
    const auto address = reinterpret_cast<std::uintptr_t>(object.start);
    expect(address % std::max<std::size_t>(object.alignment, 16) == 0, "badly aligned", object);
    object.usable = refmalloc_malloc_usable_size(object.start);
    expect(object.usable >= object.bytes && object.usable > 0, "too short", object);
    expect(world_.live.enter(object.start, object.usable), "overlaps a live object", object);
    if (world_.failed) return;
    object.mark = static_cast<unsigned char>(random_());
    const auto write = [&](unsigned char& byte) { byte = object.mark; };
    visit_marks(object, object.bytes, write);
    visit_end(object, write);
    live_.push_back(object);
    live_bytes_ += object.usable;
  }

  // Takes the object out of what is live; afterwards it may be given back.
  Object taken(std::size_t index) {
    const Object object = live_[index];
    live_[index] = live_.back();
    live_.pop_back();
    live_bytes_ -= object.usable;
    return object;
  }

  void leave(const Object& object) {
    check(object);
    expect(world_.live.leave(object.start, object.usable), "shadow lost", object);
  }

  void resize(std::size_t index) {
    const Object old = taken(index);
    Object object{.bytes = some_size() + 1};
    leave(old);
    if (world_.failed) return;
    object.start = static_cast<unsigned char*>(
        below(4) == 0 ? refmalloc_reallocarray(old.start, 1, object.bytes)
                      : refmalloc_realloc(old.start, object.bytes));
    expect(object.start != nullptr, "realloc fails", object);
    if (world_.failed) return;
    bool kept = true;
    const std::size_t edge = std::min<std::size_t>(std::min(old.bytes, object.bytes), 64);
    for (std::size_t at = 0; at < edge; ++at) kept &= object.start[at] == old.mark;
    const std::size_t stride = std::max<std::size_t>(1024, old.bytes / 16);
    for (std::size_t at = 64; at < std::min(old.bytes, object.bytes); at += stride) {
      kept &= object.start[at] == old.mark;
    }
    expect(kept, "realloc lost contents", object);
    enter(object);
  }

  void exchange(std::size_t index) {
    const Object other = world_.swap(taken(index), random_());
    if (other.start == nullptr) return;
    live_.push_back(other);
    live_bytes_ += other.usable;
  }

  void release(std::size_t index) {
    const Object object = taken(index);
    leave(object);
    if (world_.failed) return;
    errno = EDOM;
    switch (below(6)) {
      case 0:
        refmalloc_free_sized(object.start, object.bytes);
        break;
      case 1:
        refmalloc_free_aligned_sized(object.start, object.alignment, object.bytes);
        break;
      case 2:
        expect(refmalloc_realloc(object.start, 0) == nullptr, "realloc to nothing", object);
        break;
      case 3:
        refmalloc_cfree(object.start);
        break;
      default:
        refmalloc_free(object.start);
    }
    expect(errno == EDOM, "free changed errno", object);
  }

  void ask_too_much() {
    const Object huge{.bytes = SIZE_MAX - below(std::size_t{1} << 20)};
    errno = 0;
    expect(refmalloc_malloc(huge.bytes) == nullptr && errno == ENOMEM, "malloc of too much", huge);
    errno = 0;
    expect(refmalloc_calloc(huge.bytes / 2, 3) == nullptr && errno == ENOMEM, "calloc", huge);
    Object& object = live_[below(live_.size())];
    errno = 0;
    expect(refmalloc_realloc(object.start, huge.bytes) == nullptr && errno == ENOMEM,
           "realloc to too much", object);
    check(object);
    errno = 0;
    expect(refmalloc_memalign((huge.bytes & ~std::size_t{0xfff}) | 24, 1) == nullptr &&
               errno == EINVAL,
           "memalign to no power of two", huge);
  }

  void turn_a_knob() {
    switch (below(4)) {
      case 0:
        refmalloc_mallopt(M_MMAP_THRESHOLD, 1 << (15 + below(9)));
        break;
      case 1:
        refmalloc_mallopt(M_TRIM_THRESHOLD, static_cast<int>(below(2) << 24));
        break;
      case 2:
        refmalloc_mallopt(M_ARENA_MAX, static_cast<int>(1 + below(4)));
        break;
      default:
        refmalloc_malloc_trim(0);
    }
  }

  std::mt19937_64 random_;
  World& world_;
  std::vector<Object> live_;
  std::size_t live_bytes_ = 0;
};

// The test must be able to fail: the map sees any common granule, and only that.
TEST(ShadowMapTest, sees_every_overlap_and_no_other) {
  ShadowMap map;
  auto* const base = reinterpret_cast<char*>((std::uintptr_t{5} << 32) - 4096);  // of two leaves
  EXPECT_TRUE(map.enter(base, 8192));
  EXPECT_TRUE(map.enter(base - 16, 16));
  EXPECT_TRUE(map.enter(base + 8192, 1));
  EXPECT_FALSE(map.enter(base + 4000, 16));
  EXPECT_FALSE(map.enter(base + 8192, 16));
  EXPECT_TRUE(map.leave(base, 8192));
  EXPECT_FALSE(map.leave(base, 16));
  EXPECT_TRUE(map.enter(base, 8192));
}

class FuzzerTest : public testing::TestWithParam<std::size_t> {
 protected:
  ~FuzzerTest() override {
    refmalloc_mallopt(M_MMAP_THRESHOLD, 8 << 20);
    refmalloc_mallopt(M_TRIM_THRESHOLD, 0);
    refmalloc_mallopt(M_ARENA_MAX, static_cast<int>(std::thread::hardware_concurrency()));
  }

  World world_;
};

TEST_P(FuzzerTest, one_thread_never_sees_an_object_change_or_overlap) {
  Fuzzer fuzzer(GetParam(), world_);
  fuzzer.run(operations_of_one_thread());
  fuzzer.release_all();
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

TEST_P(FuzzerTest, threads_that_swap_objects_never_see_one_change_or_overlap) {
  const std::size_t each = 2 * operations_of_one_thread() / kThreads;
  for (std::size_t done = 0, round = 0; done < each && !world_.failed; ++round) {
    const std::size_t operations = std::min(kOperationsOfThread, each - done);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        Fuzzer fuzzer((GetParam() << 32) + round * kThreads + t, world_);
        if (t == 0) fuzzer.adopt(world_.take_all());
        fuzzer.run(operations);
        fuzzer.leave_all_behind();
      });
    }
    for (std::thread& thread : threads) thread.join();
    done += operations;
  }
  Fuzzer last(GetParam(), world_);
  last.adopt(world_.take_all());
  last.release_all();
  refmalloc_malloc_trim(0);
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

INSTANTIATE_TEST_SUITE_P(Seeds, FuzzerTest, testing::Range(std::size_t{1}, seeds_count() + 1));

}  // namespace
