// Started with librefmalloc.so in front: exits 0 when every entry point is served by it. What does
// not hold is said on stderr.

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocators/reference/refmalloc.h"

extern "C" void* early_object();

namespace {

decltype(&refmalloc_owns) owns = nullptr;
int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  ++failures;
}

void* first_objects[64];

// Runs before the constructor of any library, when the C library may not know the environment.
void allocate_first(int, char**, char**) {
  std::size_t size = 1;
  for (void*& object : first_objects) {
    object = std::malloc(size);
    std::memset(object, 1, size);
    size += size / 3 + 1;
    if (size > 20'000'000) size = 1;
  }
}

__attribute__((section(".preinit_array"),
               used)) void (*const first_function)(int, char**, char**) = allocate_first;

void the_first_objects_are_like_all_others() {
  for (void* object : first_objects) {
    expect(owns(object) == 1, "objects from before any constructor");
    std::free(object);
  }
  expect(owns(early_object()) == 1, "an object from an earlier constructor");
}

struct alignas(256) Aligned {
  char bytes[300];
};

void every_function_is_served() {
  void* aligned = nullptr;
  expect(posix_memalign(&aligned, 64, 10) == 0, "posix_memalign");
  void* const objects[] = {std::malloc(10),
                           std::calloc(3, 5),
                           std::realloc(nullptr, 9),
                           reallocarray(nullptr, 4, 4),
                           aligned,
                           std::aligned_alloc(64, 64),
                           memalign(64, 10),
                           valloc(10),
                           pvalloc(10),
                           strdup("word")};
  for (void* object : objects) {
    expect(owns(object) == 1, "the malloc family belongs to refmalloc");
    expect(malloc_usable_size(object) > 0, "malloc_usable_size");
    std::free(object);
  }
  expect(mallinfo2().uordblks > 0, "mallinfo2");
  expect(mallopt(M_ARENA_MAX, 2) == 1, "mallopt");
}

void every_operator_is_served() {
  auto* const one = new int(1);
  auto* const many = new char[100];
  auto* const aligned = new Aligned;
  auto* const aligned_many = new Aligned[3];
  auto* const quiet = new (std::nothrow) std::string(100, 'x');
  expect(owns(one) == 1 && owns(many) == 1 && owns(quiet) == 1, "operator new");
  expect(owns(aligned) == 1 && reinterpret_cast<std::uintptr_t>(aligned) % 256 == 0, "aligned new");
  delete one;
  delete[] many;
  delete aligned;
  delete[] aligned_many;
  delete quiet;
}

std::atomic<int> handler_calls{0};

void give_up_the_second_time() {
  if (handler_calls.fetch_add(1) > 0) std::set_new_handler(nullptr);
}

template <class New>
void expect_bad_alloc(New make) {
  handler_calls = 0;
  std::set_new_handler(give_up_the_second_time);
  bool thrown = false;
  try {
    make();
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  expect(thrown, "bad_alloc is thrown");
  expect(handler_calls == 2, "the new_handler is asked until there is none");
}

template <class New>
void expect_null(New make) {
  handler_calls = 0;
  std::set_new_handler(give_up_the_second_time);
  expect(make() == nullptr, "nothrow new gives null");
  expect(handler_calls == 2, "nothrow new asks the new_handler too");
}

void running_out_of_memory_throws() {
  volatile std::size_t huge = SIZE_MAX / 4;
  constexpr std::align_val_t kAlignment{256};
  expect(::operator new(huge, std::nothrow) == nullptr, "without a new_handler");
  expect_bad_alloc([&] { ::operator delete(::operator new(huge)); });
  expect_bad_alloc([&] { ::operator delete[](::operator new[](huge)); });
  expect_bad_alloc([&] { ::operator delete(::operator new(huge, kAlignment), kAlignment); });
  expect_bad_alloc([&] { ::operator delete[](::operator new[](huge, kAlignment), kAlignment); });
  expect_null([&] { return ::operator new(huge, std::nothrow); });
  expect_null([&] { return ::operator new[](huge, std::nothrow); });
  expect_null([&] { return ::operator new(huge, kAlignment, std::nothrow); });
  expect_null([&] { return ::operator new[](huge, kAlignment, std::nothrow); });
}

void* reserve = nullptr;

void give_up_the_reserve() {
  std::free(std::exchange(reserve, nullptr));
  std::set_new_handler(nullptr);
}

// In a child, since a limit may not be raised again.
void a_new_handler_may_make_room() {
  if (const pid_t child = fork(); child != 0) {
    int status = 1;
    waitpid(child, &status, 0);
    expect(status == 0, "operator new succeeds once the new_handler has freed something");
    return;
  }
  reserve = std::malloc(200u << 20);
  const rlimit limit{.rlim_cur = 300u << 20, .rlim_max = 300u << 20};
  setrlimit(RLIMIT_AS, &limit);
  std::set_new_handler(give_up_the_reserve);
  void* const object = ::operator new(180u << 20, std::nothrow);
  _exit(object != nullptr && reserve == nullptr ? 0 : 1);
}

void fork_a_child_that_allocates() {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    for (std::size_t size = 1; size < 3'000'000; size += size / 8 + 1) {
      std::free(std::realloc(std::malloc(size), size * 2));
    }
    _exit(0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  expect(status == 0, "a child of busy threads allocates");
}

void use_a_library(const char* probe) {
  void* const library = dlopen(probe, RTLD_NOW);
  expect(library != nullptr, "dlopen");
  if (library == nullptr) return;
  auto* const make = reinterpret_cast<void* (*)()>(dlsym(library, "probe_object"));
  void* const object = make();
  expect(owns(object) == 1, "objects of a loaded library");
  dlclose(library);
  std::free(object);
}

void libraries_threads_and_children_may_come_and_go(const char* probe) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy;
  const auto fill_strings = [] { std::vector<std::string>(20, std::string(100, 'x')); };
  busy.emplace_back([&] {
    while (!stop) fill_strings();
  });
  busy.emplace_back([&] {
    while (!stop) std::thread(fill_strings).join();
  });
  for (int round = 0; round < 50; ++round) {
    use_a_library(probe);
    fork_a_child_that_allocates();
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();
}

// Beyond 32 keys the C library allocates when a thread sets its first one.
void many_thread_keys_are_fine() {
  std::vector<pthread_key_t> keys(100);
  for (pthread_key_t& key : keys) pthread_key_create(&key, std::free);
  std::thread([&] {
    for (const pthread_key_t key : keys) pthread_setspecific(key, std::malloc(20));
  }).join();
}

}  // namespace

int main(int count, char** arguments) {
  owns = reinterpret_cast<decltype(owns)>(dlsym(RTLD_DEFAULT, "refmalloc_owns"));
  const auto option =
      reinterpret_cast<decltype(&refmalloc_option)>(dlsym(RTLD_DEFAULT, "refmalloc_option"));
  if (owns == nullptr || option == nullptr || count < 2) return 2;
  if (count > 2) return std::printf("%lld\n", option(arguments[2])) > 0 ? 0 : 1;
  the_first_objects_are_like_all_others();
  every_function_is_served();
  every_operator_is_served();
  running_out_of_memory_throws();
  a_new_handler_may_make_room();
  libraries_threads_and_children_may_come_and_go(arguments[1]);
  many_thread_keys_are_fine();
  return failures == 0 ? 0 : 1;
}
