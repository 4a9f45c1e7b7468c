// Uses the null allocator outside, inside and after its region. Exit code 0 when all is as
// promised, 1 and the first broken promise otherwise, 2 without the null allocator.
//
//   null_program [threads]    threads: start and end in the region
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#define PROMISE(condition)                                                    \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      _exit(1);                                                               \
    }                                                                         \
  } while (false)

namespace {

using Action = void (*)();

constexpr std::size_t kBufferBytes = std::size_t{256} << 20;
void* volatile escaped = nullptr;

void* allocate(std::size_t size) {
  escaped = malloc(size);
  return escaped;
}

bool is_aligned(const void* object, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(object) % alignment == 0;
}

// Live objects of many sizes, each full of its own pattern, some of them freed and resized.
void churn(unsigned seed) {
  constexpr std::size_t kObjects = 500;
  struct Object {
    unsigned char* bytes = nullptr;
    std::size_t size = 0;
    unsigned char pattern = 0;
  };
  std::vector<Object> objects(kObjects);
  const auto check = [](const Object& object) {
    for (std::size_t i = 0; i < object.size; ++i) PROMISE(object.bytes[i] == object.pattern);
  };
  unsigned state = seed;
  for (unsigned step = 0; step < 20'000; ++step) {
    state = state * 1'664'525U + 1'013'904'223U;
    Object& object = objects[(state >> 8) % kObjects];
    check(object);
    const std::size_t size = step % 997 == 0 ? 300'000 : (state >> 16) % 3000;
    if (step % 3 == 0) {
      object.bytes = static_cast<unsigned char*>(realloc(object.bytes, size + 1));
      for (std::size_t i = 0; i < std::min(size, object.size); ++i) {
        PROMISE(object.bytes[i] == object.pattern);
      }
    } else {
      free(object.bytes);
      object.bytes = static_cast<unsigned char*>(malloc(size + 1));
    }
    PROMISE(object.bytes != nullptr && is_aligned(object.bytes, 16));
    object.size = size;
    object.pattern = static_cast<unsigned char>(step);
    memset(object.bytes, object.pattern, size);
  }
  for (auto& object : objects) free(object.bytes);
}

void use_as_an_ordinary_heap() {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back(churn, i + 1);
  for (auto& thread : threads) thread.join();

  std::map<std::string, std::vector<int>> container;
  for (int i = 0; i < 5000; ++i) container[std::to_string(i % 700)].push_back(i);
  PROMISE(container.size() == 700);

  for (std::size_t alignment = 16; alignment <= 65'536; alignment *= 2) {
    void* object = nullptr;
    PROMISE(posix_memalign(&object, alignment, 100) == 0);
    PROMISE(is_aligned(object, alignment) && malloc_usable_size(object) >= 100);
    memset(object, 1, 100);
    free(object);
  }
  memset(allocate(777), 0xff, 777);
  free(escaped);
  auto* zeroed = static_cast<unsigned char*>(calloc(7, 111));
  for (int i = 0; i < 777; ++i) PROMISE(zeroed[i] == 0);
  free(zeroed);
  volatile std::size_t most = SIZE_MAX;  // volatile: the compiler knows these calls must fail
  volatile std::size_t no_alignment = 48;
  PROMISE(allocate(most - 8) == nullptr && errno == ENOMEM);
  PROMISE(calloc(most / 2, 4) == nullptr && errno == ENOMEM);
  PROMISE(aligned_alloc(no_alignment, 100) == nullptr && errno == EINVAL);
}

void use_in_a_forked_child() {
  const pid_t child = fork();
  if (child == 0) {
    churn(99);
    _exit(7);
  }
  int status = 0;
  waitpid(child, &status, 0);
  PROMISE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

void use_in_the_region(Action region_begins, Action region_ends) {
  void* before = allocate(40);
  memset(before, 0x5a, 40);
  void* of_thread = nullptr;
  std::atomic<bool> may_start{false};
  std::atomic<bool> done{false};
  std::thread thread([&] {
    while (!may_start) sched_yield();
    of_thread = malloc(100);
    memset(of_thread, 1, 100);
    free(of_thread);
    done = true;
  });
  region_begins();
  may_start = true;
  void* first = allocate(100);
  void* second = allocate(kBufferBytes);
  free(first);
  free(before);  // does nothing: its content stays
  void* aligned = aligned_alloc(1 << 20, 100);
  void* resized = realloc(first, 200);
  void* too_large = allocate(kBufferBytes + 1);
  const int error = errno;
  static_cast<volatile char*>(first)[kBufferBytes - 1] = 1;
  while (!done) sched_yield();
  region_ends();
  thread.join();

  PROMISE(first != nullptr && first == second && first == aligned && first == resized);
  PROMISE(too_large == nullptr && error == ENOMEM);
  PROMISE(of_thread != nullptr && of_thread != first);
  for (int i = 0; i < 40; ++i) PROMISE(static_cast<unsigned char*>(before)[i] == 0x5a);
  free(before);
  free(first);
  free(of_thread);
  void* moved = realloc(of_thread, 50);
  PROMISE(moved != of_thread && static_cast<char*>(moved)[0] == 1);
  free(moved);
}

constexpr int kThreadsAtOnce = 64;
std::atomic<int> arrived{0};
std::atomic<bool> may_end{false};

void* use_in_a_thread_of_the_region(void*) {
  void* volatile given = malloc(kThreadsAtOnce);
  memset(given, 1, kThreadsAtOnce);
  free(given);
  ++arrived;
  while (!may_end) sched_yield();
  return given;
}

// What the C library keeps of its threads, more of them at once than it keeps stacks for, must be
// real memory while what the program writes is not.
void start_threads_in_the_region(Action region_begins, Action region_ends) {
  constexpr std::size_t kBytes = std::size_t{64} << 10;
  pthread_t threads[kThreadsAtOnce];
  region_begins();
  for (int round = 0; round < 3; ++round) {
    arrived = 0;
    may_end = false;
    for (auto& thread : threads) {
      memset(allocate(kBytes), 0xff, kBytes);
      PROMISE(pthread_create(&thread, nullptr, use_in_a_thread_of_the_region, nullptr) == 0);
      memset(allocate(kBytes), 0xff, kBytes);
    }
    while (arrived < kThreadsAtOnce) sched_yield();
    may_end = true;
    for (auto& thread : threads) pthread_join(thread, nullptr);
  }
  region_ends();
}

// The region must not show a fresh buffer for every thread of a long row.
void start_threads_one_by_one(Action region_begins, Action region_ends) {
  constexpr int kThreads = 2000;  // more than there are buffers
  constexpr long kFaultsOfOthers = 64;
  may_end = true;
  void* first = nullptr;
  rusage before{};
  rusage after{};
  region_begins();
  getrusage(RUSAGE_SELF, &before);
  for (int i = 0; i < kThreads; ++i) {
    pthread_t thread;
    void* given = nullptr;
    PROMISE(pthread_create(&thread, nullptr, use_in_a_thread_of_the_region, nullptr) == 0);
    pthread_join(thread, &given);
    if (i == 0) first = given;
    PROMISE(given == first && given != allocate(1));
  }
  getrusage(RUSAGE_SELF, &after);
  region_ends();
  PROMISE(after.ru_minflt - before.ru_minflt < kFaultsOfOthers);
}

// What the thread has asked for before is in memory when the region begins, however large.
void use_a_large_object_in_the_region(Action region_begins, Action region_ends) {
  constexpr std::size_t kBytes = std::size_t{100} << 20;
  constexpr std::size_t kPageBytes = 4096;
  constexpr long kFaultsOfOthers = 64;
  free(allocate(kBytes));
  region_begins();
  auto* object = static_cast<volatile char*>(allocate(kBytes));
  rusage before{};
  rusage after{};
  getrusage(RUSAGE_THREAD, &before);
  for (std::size_t offset = 0; offset < kBytes; offset += kPageBytes) object[offset] = 1;
  getrusage(RUSAGE_THREAD, &after);
  region_ends();
  PROMISE(after.ru_minflt - before.ru_minflt < kFaultsOfOthers);
}

}  // namespace

int main(int argc, char** argv) {
  const auto region_begins =
      reinterpret_cast<Action>(dlsym(RTLD_DEFAULT, "heapwise_region_begins"));
  const auto region_ends = reinterpret_cast<Action>(dlsym(RTLD_DEFAULT, "heapwise_region_ends"));
  const auto version =
      reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, "heapwise_null_version"));
  if (region_begins == nullptr || region_ends == nullptr || version == nullptr) return 2;
  PROMISE(strlen(version()) > 0);
  if (argc > 1 && strcmp(argv[1], "threads") == 0) {
    start_threads_in_the_region(region_begins, region_ends);
    start_threads_one_by_one(region_begins, region_ends);
    use_as_an_ordinary_heap();
    return 0;
  }
  use_as_an_ordinary_heap();
  use_in_a_forked_child();
  use_in_the_region(region_begins, region_ends);
  use_as_an_ordinary_heap();
  use_in_the_region(region_begins, region_ends);
  use_a_large_object_in_the_region(region_begins, region_ends);
  return 0;
}
