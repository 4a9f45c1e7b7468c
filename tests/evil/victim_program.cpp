// What a workload does to an allocator, with its bookkeeping out of the allocator's reach.
//
//   victim_program start     1,000 allocations, as many as a process's start takes
//   victim_program run       100,000 allocations in random order of release, contents checked
//   victim_program jemalloc  what mallctl says of itself, and whether its statistics follow malloc
//
// Exit code 0 when all went well, 9 when the contents of an object changed, 2 without mallctl.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace {

constexpr int kContentsChanged = 9;
constexpr unsigned kStartCalls = 1'000;
constexpr unsigned kRunCalls = 100'000;

struct Object {
  unsigned char* bytes;
  std::size_t size;
  unsigned char pattern;
};

std::array<Object, 512> objects;

bool is_intact(const Object& object) {
  for (std::size_t i = 0; i < object.size; ++i) {
    if (object.bytes[i] != object.pattern) return false;
  }
  return true;
}

int churn(unsigned calls) {
  bool all_intact = true;
  std::uint32_t state = 1;
  for (unsigned call = 0; call < calls; ++call) {
    state = state * 1'664'525U + 1'013'904'223U;
    Object& object = objects[(state >> 10) % objects.size()];
    all_intact = all_intact && is_intact(object);
    free(object.bytes);
    object.size = 16 + (state >> 20) % 500;
    object.pattern = static_cast<unsigned char>(call);
    object.bytes = static_cast<unsigned char*>(malloc(object.size));
    memset(object.bytes, object.pattern, object.size);
  }
  return all_intact ? 0 : kContentsChanged;
}

using Mallctl = int (*)(const char*, void*, std::size_t*, void*, std::size_t);

std::uint64_t allocated_by_thread(Mallctl mallctl) {
  std::uint64_t bytes = 0;
  std::size_t length = sizeof bytes;
  return mallctl("thread.allocated", &bytes, &length, nullptr, 0) == 0 ? bytes : 0;
}

int ask_jemalloc() {
  const auto mallctl = reinterpret_cast<Mallctl>(dlsym(RTLD_DEFAULT, "mallctl"));
  if (mallctl == nullptr) return 2;
  const char* version = nullptr;
  std::size_t length = sizeof version;
  if (mallctl("version", &version, &length, nullptr, 0) != 0) return 2;
  const std::uint64_t before = allocated_by_thread(mallctl);
  void* volatile object = malloc(100'000);
  const bool follows = allocated_by_thread(mallctl) - before >= 100'000;
  free(object);
  printf("%s %s\n", version, follows ? "follows" : "frozen");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "start") == 0) return churn(kStartCalls);
  if (strcmp(mode, "run") == 0) return churn(kRunCalls);
  if (strcmp(mode, "jemalloc") == 0) return ask_jemalloc();
  fputs("usage: victim_program start | run | jemalloc\n", stderr);
  return 64;
}
