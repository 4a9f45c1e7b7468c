// A library that a program loads while its threads allocate: it allocates in its own constructor
// and destructor, and hands an object across.

#include <cstdlib>

namespace {

void* kept = nullptr;

__attribute__((constructor)) void take() {
  kept = std::malloc(1000);
}
__attribute__((destructor)) void give() {
  std::free(kept);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* probe_object() {
  return std::malloc(77);
}
