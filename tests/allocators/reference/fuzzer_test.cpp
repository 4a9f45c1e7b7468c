// Random calls of the whole interface against a shadow of what each object must hold.
//
// Every live object is filled with bytes that follow from its address and size; they are compared
// when it is resized or freed, so an overlap, a lost copy or a late write shows.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "allocators/reference/heap.h"
#include "allocators/reference/interface.h"

namespace {

struct Object {
  unsigned char* start = nullptr;
  std::size_t bytes = 0;
  unsigned char mark = 0;
};

// Threads hand objects to each other through it.
class Exchange {
 public:
  Object swap(Object mine, std::size_t at) {
    const std::lock_guard guard(mutex_);
    std::swap(mine, objects_[at % objects_.size()]);
    return mine;
  }

  std::vector<Object>& objects() { return objects_; }

 private:
  std::mutex mutex_;
  std::vector<Object> objects_ = std::vector<Object>(64);
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSteps = 6'000;
#else
constexpr int kSteps = 50'000;
#endif

class Fuzzer {
 public:
  Fuzzer(unsigned seed, Exchange* exchange) : random_(seed), exchange_(exchange) {}

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) one_step();
    for (Object& object : live_) release(object);
  }

 private:
  // Marks at both ends and at each page keep the run short without missing an overlap of objects.
  template <class Visit>
  static void visit_marks(const Object& object, Visit visit) {
    const std::size_t edge = std::min<std::size_t>(object.bytes, 64);
    for (std::size_t at = 0; at < edge; ++at) visit(object.start[at]);
    for (std::size_t at = 64; at < object.bytes; at += 1024) visit(object.start[at]);
    for (std::size_t at = object.bytes - edge; at < object.bytes; ++at) visit(object.start[at]);
  }

  static void check(const Object& object) {
    visit_marks(object, [&](unsigned char byte) { ASSERT_EQ(byte, object.mark); });
  }

  void fill(Object& object) {
    object.mark = static_cast<unsigned char>(random_());
    visit_marks(object, [&](unsigned char& byte) { byte = object.mark; });
  }

  static bool is_zero(const char* start, std::size_t bytes) {
    return bytes == 0 || (start[0] == 0 && std::memcmp(start, start + 1, bytes - 1) == 0);
  }

  std::size_t some_size() {
    const auto exponent = random_() % 100 < 95 ? random_() % 15 : random_() % 25;
    return random_() % (std::size_t{2} << exponent);
  }

  void one_step() {
    const auto what = random_() % 100;
    if (live_.size() < 10 || (what < 45 && live_.size() < 400)) {
      allocate();
      return;
    }
    Object& object = live_[random_() % live_.size()];
    if (what < 60) {
      resize(object);
    } else if (what < 70 && exchange_ != nullptr) {
      object = exchange_->swap(object, random_());
      if (object.start != nullptr) return;
    } else {
      release(object);
    }
    if (object.start == nullptr) {
      object = live_.back();
      live_.pop_back();
    }
    if (what == 99 && random_() % 200 == 0) refmalloc_malloc_trim(0);
  }

  void allocate() {
    Object object{.bytes = some_size()};
    const std::size_t alignment = std::size_t{8} << random_() % 14;
    void* start = nullptr;
    switch (random_() % 6) {
      case 0:
        start = refmalloc_calloc(1, object.bytes);
        ASSERT_TRUE(is_zero(static_cast<char*>(start), object.bytes)) << object.bytes;
        break;
      case 1:
        ASSERT_EQ(refmalloc_posix_memalign(&start, alignment, object.bytes), 0);
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(start) % alignment, 0u);
        break;
      case 2:
        start = refmalloc_reallocarray(nullptr, object.bytes, 1);
        break;
      default:
        start = refmalloc_malloc(object.bytes);
    }
    if (start == nullptr) {
      ASSERT_EQ(object.bytes, 0u) << "only realloc to nothing may give nothing";
      return;
    }
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(start) % 16 % 8, 0u);
    ASSERT_GE(refmalloc_malloc_usable_size(start), object.bytes);
    object.start = static_cast<unsigned char*>(start);
    fill(object);
    live_.push_back(object);
  }

  void resize(Object& object) {
    check(object);
    const std::size_t bytes = some_size() + 1;
    auto* const moved = static_cast<unsigned char*>(refmalloc_realloc(object.start, bytes));
    ASSERT_NE(moved, nullptr);
    const std::size_t kept = std::min(object.bytes, bytes);
    for (std::size_t at = 0; at < std::min<std::size_t>(kept, 64); ++at) {
      ASSERT_EQ(moved[at], object.mark);
    }
    for (std::size_t at = 64; at < kept; at += 1024) ASSERT_EQ(moved[at], object.mark);
    object.start = moved;
    object.bytes = bytes;
    fill(object);
  }

  void release(Object& object) {
    if (object.start == nullptr) return;
    check(object);
    refmalloc_free(object.start);
    object.start = nullptr;
  }

  std::mt19937 random_;
  Exchange* exchange_;
  std::vector<Object> live_;
};

class FuzzerTest : public testing::TestWithParam<unsigned> {};

TEST_P(FuzzerTest, one_thread_never_sees_an_object_change) {
  Fuzzer(GetParam(), nullptr).run(kSteps);
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

TEST_P(FuzzerTest, threads_that_swap_objects_never_see_one_change) {
  Exchange exchange;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] { Fuzzer(GetParam() * 100 + t, &exchange).run(kSteps / 2); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Object& object : exchange.objects()) refmalloc_free(object.start);
  refmalloc_malloc_trim(0);
  EXPECT_TRUE(refmalloc::heap_is_valid());
}

INSTANTIATE_TEST_SUITE_P(Seeds, FuzzerTest, testing::Values(1u, 2u, 3u));

}  // namespace
