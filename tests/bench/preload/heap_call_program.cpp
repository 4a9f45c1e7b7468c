// Makes heap calls of known number and size and compares them with what the counter says. Exit code
// 0 when all agree, 1 and a line for each that does not, 2 without the counter.
//
//   heap_call_program calls | threads | starts | throws
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

// clang declares the sized form only with an option.
extern "C" void delete_sized(void* object, std::size_t size) asm("_ZdlPvm");

namespace {

using Counter = std::uint64_t (*)();

struct Counts {
  std::uint64_t calls;
  std::uint64_t bytes;
};

Counter heap_calls_count = nullptr;
Counter requested_bytes = nullptr;
Counter library_calls_count = nullptr;
Counter library_requested_bytes = nullptr;
int differences = 0;
void* volatile object = nullptr;  // every pointer escapes

Counts now() {
  return {heap_calls_count(), requested_bytes()};
}

void compare(const char* what, Counts before, Counts after, Counts expected) {
  const Counts seen{after.calls - before.calls, after.bytes - before.bytes};
  if (seen.calls == expected.calls && seen.bytes == expected.bytes) return;
  ++differences;
  fprintf(stderr, "%s: %lu calls of %lu bytes instead of %lu of %lu\n", what, seen.calls,
          seen.bytes, expected.calls, expected.bytes);
}

template <class Action>
void expect_one_call(const char* what, std::uint64_t bytes, Action action) {
  const Counts before = now();
  action();
  compare(what, before, now(), {1, bytes});
}

template <class Allocation>
void expect_allocation(const char* what, std::uint64_t bytes, Allocation allocation) {
  expect_one_call(what, bytes, [&] { object = allocation(); });
  expect_one_call("free", 0, [] { free(object); });
}

void make_c_calls() {
  expect_allocation("malloc", 100, [] { return malloc(100); });
  expect_allocation("malloc of nothing", 0, [] { return malloc(0); });
  expect_one_call("free of NULL", 0, [] { free(nullptr); });
  expect_allocation("calloc", 15, [] { return calloc(3, 5); });
  expect_allocation("realloc of NULL", 70, [] { return realloc(nullptr, 70); });
  expect_allocation("reallocarray", 100, [] { return reallocarray(nullptr, 10, 10); });
  expect_allocation("memalign", 10, [] { return memalign(64, 10); });
  expect_allocation("aligned_alloc", 128, [] { return aligned_alloc(64, 128); });
  expect_allocation("valloc", 33, [] { return valloc(33); });
  expect_allocation("posix_memalign", 100, [] {
    void* given = nullptr;
    return posix_memalign(&given, 64, 100) == 0 ? given : nullptr;
  });
  object = malloc(10);
  expect_one_call("realloc that grows", 100'000, [] { object = realloc(object, 100'000); });
  expect_one_call("realloc that shrinks", 20, [] { object = realloc(object, 20); });
  free(object);
  const Counts before = now();
  object = malloc(24);
  if (malloc_usable_size(object) < 24) ++differences;
  compare("malloc_usable_size", before, now(), {1, 24});
  free(object);
}

template <class Allocation, class Release>
void expect_operators(const char* what, std::uint64_t bytes, Allocation allocation,
                      Release release) {
  expect_one_call(what, bytes, [&] { object = allocation(); });
  expect_one_call(what, 0, [&] { release(object); });
}

void make_operator_calls() {
  constexpr std::align_val_t kAligned{64};
  expect_operators(
      "new", 50, [] { return ::operator new(50); }, [](void* p) { ::operator delete(p); });
  expect_operators(
      "new[]", 51, [] { return ::operator new[](51); }, [](void* p) { ::operator delete[](p); });
  expect_operators(
      "new, sized delete", 52, [] { return ::operator new(52); },
      [](void* p) { delete_sized(p, 52); });
  expect_operators(
      "nothrow new", 53, [] { return ::operator new(53, std::nothrow); },
      [](void* p) { ::operator delete(p, std::nothrow); });
  expect_operators(
      "aligned new", 54, [] { return ::operator new(54, kAligned); },
      [](void* p) { ::operator delete(p, kAligned); });
  expect_operators(
      "aligned nothrow new[]", 55, [] { return ::operator new[](55, kAligned, std::nothrow); },
      [](void* p) { ::operator delete[](p, kAligned, std::nothrow); });
}

void make_calls_in_threads() {
  constexpr int kThreads = 8;
  constexpr int kCallsEach = 10'000;
  std::atomic<int> ready{0};
  std::atomic<int> done{0};
  std::atomic<bool> may_start{false};
  std::atomic<bool> may_end{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      free(malloc(1));  // an allocator may allocate at a thread's first call
      ++ready;
      while (!may_start) sched_yield();
      for (int call = 0; call < kCallsEach; ++call) {
        void* volatile escaped = malloc(7);
        free(escaped);
      }
      ++done;
      while (!may_end) sched_yield();
    });
  }
  while (ready < kThreads) sched_yield();
  const Counts before = now();
  may_start = true;
  while (done < kThreads) sched_yield();
  compare("threads", before, now(), {2ULL * kThreads * kCallsEach, 7ULL * kThreads * kCallsEach});
  may_end = true;
  for (auto& thread : threads) thread.join();
}

struct Meeting {
  std::atomic<int> arrived{0};
  int awaited;
};

void* make_two_calls(void* argument) {
  auto& meeting = *static_cast<Meeting*>(argument);
  void* volatile escaped = malloc(9);
  free(escaped);
  ++meeting.arrived;
  while (meeting.arrived < meeting.awaited) sched_yield();
  return nullptr;
}

// All live at once, so that none is started on what another has left: for each the C library makes
// at least a table of its thread-local storage.
void start_threads() {
  constexpr int kThreads = 8;
  Meeting meeting{.awaited = kThreads};
  pthread_t threads[kThreads];
  const Counts before = now();
  const Counts library_before{library_calls_count(), library_requested_bytes()};
  for (auto& thread : threads) pthread_create(&thread, nullptr, make_two_calls, &meeting);
  for (auto& thread : threads) pthread_join(thread, nullptr);
  const Counts library{library_calls_count() - library_before.calls,
                       library_requested_bytes() - library_before.bytes};
  compare("threads that start and end", before, now(), {2 * kThreads, 9 * kThreads});
  if (library.calls >= kThreads && library.bytes >= kThreads * sizeof(void*)) return;
  ++differences;
  fprintf(stderr, "the C library: %lu calls of %lu bytes for %d threads\n", library.calls,
          library.bytes, kThreads);
}

// An exception leaves the counter's frames without returning through them.
void make_failing_calls() {
  int caught = 0;
  for (int i = 0; i < 3; ++i) {
    try {
      object = ::operator new (std::size_t{1} << 62);
    } catch (const std::bad_alloc&) {
      ++caught;
    }
  }
  if (caught != 3) {
    ++differences;
    fprintf(stderr, "caught %d of 3 bad_alloc\n", caught);
  }
  make_c_calls();
  make_operator_calls();
}

}  // namespace

int main(int argc, char** argv) {
  heap_calls_count = reinterpret_cast<Counter>(dlsym(RTLD_DEFAULT, "heapwise_heap_calls_count"));
  requested_bytes = reinterpret_cast<Counter>(dlsym(RTLD_DEFAULT, "heapwise_requested_bytes"));
  library_calls_count =
      reinterpret_cast<Counter>(dlsym(RTLD_DEFAULT, "heapwise_library_calls_count"));
  library_requested_bytes =
      reinterpret_cast<Counter>(dlsym(RTLD_DEFAULT, "heapwise_library_requested_bytes"));
  if (heap_calls_count == nullptr || requested_bytes == nullptr || library_calls_count == nullptr ||
      library_requested_bytes == nullptr) {
    return 2;
  }
  const char* mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "calls") == 0) {
    make_c_calls();
    make_operator_calls();
  } else if (strcmp(mode, "threads") == 0) {
    make_calls_in_threads();
  } else if (strcmp(mode, "starts") == 0) {
    start_threads();
  } else if (strcmp(mode, "throws") == 0) {
    make_failing_calls();
  } else {
    fputs("usage: heap_call_program calls | threads | starts | throws\n", stderr);
    return 64;
  }
  return differences == 0 ? 0 : 1;
}
