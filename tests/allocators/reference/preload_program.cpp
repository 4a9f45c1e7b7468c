// Started with librefmalloc.so in front: exits 0 when every entry point is served by it. What does
// not hold is said on stderr.

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "allocators/reference/refmalloc.h"

namespace {

decltype(&refmalloc_owns) owns = nullptr;
int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  ++failures;
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

void running_out_of_memory_throws() {
  volatile std::size_t huge = SIZE_MAX / 4;
  expect(::operator new(huge, std::nothrow) == nullptr, "nothrow new gives null");
  std::set_new_handler(give_up_the_second_time);
  bool thrown = false;
  try {
    ::operator delete(::operator new(huge));
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  expect(thrown, "bad_alloc is thrown");
  expect(handler_calls == 2, "the new_handler is asked until there is none");
}

void a_library_may_come_and_go(const char* probe) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy;
  for (int t = 0; t < 2; ++t) {
    busy.emplace_back([&stop] {
      while (!stop) std::vector<std::string>(20, std::string(100, 'x'));
    });
  }
  for (int round = 0; round < 50; ++round) {
    void* const library = dlopen(probe, RTLD_NOW);
    expect(library != nullptr, "dlopen");
    if (library == nullptr) break;
    auto* const make = reinterpret_cast<void* (*)()>(dlsym(library, "probe_object"));
    void* const object = make();
    expect(owns(object) == 1, "objects of a loaded library");
    dlclose(library);
    std::free(object);
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
  every_function_is_served();
  every_operator_is_served();
  running_out_of_memory_throws();
  a_library_may_come_and_go(arguments[1]);
  many_thread_keys_are_fine();
  return failures == 0 ? 0 : 1;
}
