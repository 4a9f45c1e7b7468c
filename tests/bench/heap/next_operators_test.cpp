// A program with operators of its own, as the measured process is one: what it takes from the next
// operators must go back to them, and must not come by its own.
#include "bench/heap/next_operators.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace {

std::atomic<int> own_operator_calls{0};
std::atomic<int> probes_taken_back{0};

void delete_as_a_program_does(void* object) {
  if (heapwise::takes_back_probe(object)) {
    ++probes_taken_back;
    return;
  }
  ++own_operator_calls;
  std::free(object);
}

}  // namespace

void* operator new(std::size_t size) {
  ++own_operator_calls;
  if (void* object = std::malloc(size)) return object;
  throw std::bad_alloc();
}
void operator delete(void* object) noexcept {
  delete_as_a_program_does(object);
}
void operator delete(void* object, std::size_t) noexcept {
  delete_as_a_program_does(object);
}

namespace heapwise {
namespace {

constexpr std::size_t kBeyondEveryCache = 1 << 20;

/// As glibc counts it; 0 under a sanitizer, which has a heap of its own.
std::size_t bytes_in_use() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Would catch: an object of the heap under test that ends in the program's own operator delete, as
// the C++ library's sized delete sends it there, or nowhere.
TEST(NextOperators, WhatOperatorNewGivesGoesBackWhereItCameFrom) {
  next_operator_delete(next_operator_new(1), 1);  // finds them, which may send a probe round
  const auto in_use = bytes_in_use();
  const int calls = own_operator_calls;
  const int probes = probes_taken_back;
  for (std::size_t size = 1; size <= kBeyondEveryCache; size *= 2) {
    void* object = next_operator_new(size);
    ASSERT_NE(object, nullptr);
    std::memset(object, 1, size);
    next_operator_delete(object, size);
  }
  EXPECT_EQ(own_operator_calls, calls);
  EXPECT_EQ(probes_taken_back, probes);
  EXPECT_LE(probes_taken_back, 1);
  EXPECT_LT(bytes_in_use(), in_use + kBeyondEveryCache);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose operators do not throw
// Would catch: an exception that leaves a workload's timed loop, a refusal that looks like success.
TEST(NextOperators, ARefusedRequestIsANullPointer) {
  EXPECT_EQ(next_operator_new(SIZE_MAX / 2), nullptr);
}
#endif

// Would catch: threads of which one still searches while another has found.
TEST(NextOperators, ManyThreadsMayComeForTheFirstTimeAtOnce) {
  next_operators::operator_new = next_operators::find_and_new;
  next_operators::operator_delete = next_operators::find_and_delete;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([] {
      for (int k = 0; k < 1000; ++k) next_operator_delete(next_operator_new(100), 100);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(probes_taken_back, 1);
}

// Would catch: a program whose deletes are swallowed, so that its own memory is never freed.
TEST(NextOperators, OnlyTheProbeIsTakenBack) {
  EXPECT_FALSE(takes_back_probe(nullptr));
  int foreign = 0;
  EXPECT_FALSE(takes_back_probe(&foreign));
  void* object = next_operator_new(40);
  EXPECT_FALSE(takes_back_probe(object));
  next_operator_delete(object, 40);
}

}  // namespace
}  // namespace heapwise
