// Uses the heap behind the injector and compares what it sees with what was asked for. Exit code 0
// when all agrees, 1 and a line for each difference, 2 without the injector.
//
//   inject_program faults PER_MILLION | kinds | resident BYTES | threads
//
// Parts of a fault carry over from one allocation to the next, so what is counted exactly is
// counted on threads of its own, whose first allocation is known.
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

#include "bench/preload/raw_system_calls.h"

namespace {

using Action = void (*)();

constexpr std::uint64_t kWarmUpCalls = 100;
constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::uint64_t kFaultsOfKinds = 64;  // per allocation, to be set for `kinds`

std::atomic<int> differences{0};
thread_local void* volatile object = nullptr;  // every pointer escapes

void compare(const char* what, std::uint64_t seen, std::uint64_t least, std::uint64_t most) {
  if (seen >= least && seen <= most) return;
  ++differences;
  fprintf(stderr, "%s: %lu instead of %lu to %lu\n", what, seen, least, most);
}

std::uint64_t minor_faults_of_thread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_minflt);
}

std::uint64_t resident_bytes() {
  char text[128]{};
  const int file = heapwise::raw::open_file("/proc/self/statm", O_RDONLY);
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  unsigned long pages = 0;
  if (length <= 0 || sscanf(text, "%*u %lu", &pages) != 1) _exit(1);
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void allocate_and_free(std::uint64_t times) {
  for (std::uint64_t i = 0; i < times; ++i) {
    object = malloc(100);
    free(object);
  }
}

// Some prime numbers of calls, so that many sums of parts are cut.
void expect_exact_faults(double per_million) {
  const auto owed_after = [per_million](std::uint64_t calls) {
    return static_cast<std::uint64_t>(static_cast<double>(calls) * per_million) / kMillion;
  };
  minor_faults_of_thread();
  allocate_and_free(kWarmUpCalls);
  std::uint64_t calls = kWarmUpCalls;
  for (const std::uint64_t more : {1, 7, 101, 1009, 10'007}) {
    const std::uint64_t before = minor_faults_of_thread();
    allocate_and_free(more);
    const std::uint64_t faults = minor_faults_of_thread() - before;
    const std::uint64_t owed = owed_after(calls + more) - owed_after(calls);
    compare("minor faults", faults, owed, owed);
    calls += more;
  }
}

void run_in_threads(int count, const auto& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
}

// `action` makes one allocation and frees it, `times` times. Faults of the allocator's own are far
// fewer than those of one call more or less each.
template <class Action>
void expect_one_injection_each(const char* what, std::uint64_t times, Action action) {
  for (int i = 0; i < 10; ++i) action();
  const std::uint64_t before = minor_faults_of_thread();
  for (std::uint64_t i = 0; i < times; ++i) action();
  const std::uint64_t faults = minor_faults_of_thread() - before;
  compare(what, faults, times * kFaultsOfKinds, times * (kFaultsOfKinds + 1));
}

void expect_every_kind_of_allocation_once() {
  constexpr std::align_val_t kAligned{64};
  const auto then_free = [](void* given) {
    object = given;
    free(object);
  };
  minor_faults_of_thread();
  expect_one_injection_each("malloc", 200, [&] { then_free(malloc(100)); });
  expect_one_injection_each("calloc", 200, [&] { then_free(calloc(3, 50)); });
  expect_one_injection_each("realloc", 200, [&] { then_free(realloc(nullptr, 70)); });
  expect_one_injection_each("reallocarray", 200, [&] { then_free(reallocarray(nullptr, 10, 10)); });
  expect_one_injection_each("memalign", 200, [&] { then_free(memalign(64, 10)); });
  expect_one_injection_each("aligned_alloc", 200, [&] { then_free(aligned_alloc(64, 128)); });
  expect_one_injection_each("valloc", 200, [&] { then_free(valloc(33)); });
  expect_one_injection_each("pvalloc", 200, [&] { then_free(pvalloc(33)); });
  expect_one_injection_each("posix_memalign", 200, [&] {
    void* given = nullptr;
    if (posix_memalign(&given, 64, 100) == 0) then_free(given);
  });
  expect_one_injection_each("new", 200, [] {
    object = ::operator new(50);
    ::operator delete(object);
  });
  expect_one_injection_each("aligned new[]", 200, [&] {
    object = ::operator new[](50, kAligned);
    ::operator delete[](object, kAligned);
  });
}

void fault_in_a_forked_child() {
  const pid_t child = fork();
  if (child == 0) {
    differences = 0;
    expect_one_injection_each("malloc in a child", 1000, [] { allocate_and_free(1); });
    _exit(differences == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  compare("exit status of a child", static_cast<std::uint64_t>(status), 0, 0);
}

// What the C library's start costs must not hide that the memory came too early.
void expect_resident_after_the_hook(Action region_begins, std::uint64_t bytes) {
  const std::uint64_t kOthers = std::uint64_t{256} << 10;
  const std::uint64_t kProgram = std::uint64_t{8} << 20;
  allocate_and_free(10'000);
  const std::uint64_t before = resident_bytes();
  compare("resident before the region", before, 1, kProgram);
  region_begins();
  const std::uint64_t after = resident_bytes();
  compare("resident more in the region", after - before, bytes, bytes + kOthers);
  region_begins();
  compare("resident more in a second region", resident_bytes() - after, 0, kOthers);
}

// Live objects, each full of its own pattern, some of them resized.
void churn() {
  constexpr std::size_t kObjects = 300;
  constexpr std::size_t kBytesMost = 2000;
  std::vector<unsigned char*> objects(kObjects, nullptr);
  std::vector<std::size_t> sizes(kObjects, 0);
  unsigned state = 1;
  for (unsigned step = 0; step < 10'000; ++step) {
    state = state * 1'664'525U + 1'013'904'223U;
    const std::size_t chosen = (state >> 8) % kObjects;
    const std::size_t size = 1 + (state >> 16) % kBytesMost;
    auto* bytes = static_cast<unsigned char*>(realloc(objects[chosen], size));
    const std::size_t kept = size < sizes[chosen] ? size : sizes[chosen];
    for (std::size_t i = 0; i < kept; ++i) {
      if (bytes[i] != static_cast<unsigned char>(chosen))
        compare("content", bytes[i], chosen, chosen);
    }
    memset(bytes, static_cast<int>(chosen), size);
    objects[chosen] = bytes;
    sizes[chosen] = size;
  }
  for (auto* bytes : objects) free(bytes);
}

}  // namespace

int main(int argc, char** argv) {
  const auto region_begins =
      reinterpret_cast<Action>(dlsym(RTLD_DEFAULT, "heapwise_region_begins"));
  if (region_begins == nullptr) return 2;
  const char* mode = argc > 1 ? argv[1] : "";
  const double number = argc > 2 ? atof(argv[2]) : 0;
  if (strcmp(mode, "faults") == 0) {
    run_in_threads(4, [number] { expect_exact_faults(number); });
  } else if (strcmp(mode, "kinds") == 0) {
    expect_every_kind_of_allocation_once();
    fault_in_a_forked_child();
  } else if (strcmp(mode, "resident") == 0) {
    expect_resident_after_the_hook(region_begins, static_cast<std::uint64_t>(number));
  } else if (strcmp(mode, "threads") == 0) {
    run_in_threads(4, churn);
  } else {
    fputs("usage: inject_program faults PER_MILLION | kinds | resident BYTES | threads\n", stderr);
    return 64;
  }
  return differences == 0 ? 0 : 1;
}
