// A program that carries its own malloc, as one that links an allocator statically does. Exit code
// 0 when its own malloc answered, for itself and for the C library.
#include <stdlib.h>
#include <string.h>

#include <cstddef>

namespace {

constexpr std::size_t kBytes = std::size_t{1} << 20;
constexpr std::size_t kAlignment = alignof(std::max_align_t);
alignas(kAlignment) char memory[kBytes];
std::size_t used = 0;

bool is_own(const void* object) {
  return object >= static_cast<void*>(memory) && object < static_cast<void*>(memory + kBytes);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) noexcept {
  const std::size_t bytes = (size + kAlignment - 1) & ~(kAlignment - 1);
  if (bytes < size || bytes > kBytes - used) return nullptr;
  void* object = memory + used;
  used += bytes;
  return object;
}

void free(void*) noexcept {}

void* calloc(std::size_t items, std::size_t item_bytes) noexcept {
  return malloc(items * item_bytes);  // never reused, so still zero
}

void* realloc(void* object, std::size_t size) noexcept {
  void* moved = malloc(size);
  if (moved != nullptr && object != nullptr) memmove(moved, object, size);
  return moved;
}
}

int main() {
  void* volatile object = malloc(10);
  char* copy = strdup("text");
  return is_own(object) && is_own(copy) ? 0 : 1;
}
