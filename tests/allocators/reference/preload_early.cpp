// A library a program is linked with, whose constructor runs before that of the preloaded heap: it
// allocates there, and its fork handlers do, which therefore run inside of the heap's own.

#include <pthread.h>

#include <cstdlib>

namespace {

constexpr int kObjects = 3000;

// More of many sizes than a thread has at hand, so that locks of the heap are needed.
void allocate_much() {
  static void* objects[kObjects];
  for (int i = 0; i < kObjects; ++i) objects[i] = std::malloc(static_cast<std::size_t>(i) * 20);
  for (void* object : objects) std::free(object);
  std::free(std::realloc(std::malloc(100'000), 20u << 20));
}

void* kept = nullptr;

__attribute__((constructor)) void start() {
  kept = std::malloc(500);
  pthread_atfork(allocate_much, allocate_much, allocate_much);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* early_object() {
  return kept;
}
