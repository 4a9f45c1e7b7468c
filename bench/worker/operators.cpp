// Every operator new and delete of the worker, over the harness arena. Workloads call malloc and
// free, or the allocator's own operators through dlsym(RTLD_NEXT); nothing else may reach the heap
// under test.

#include <cstdlib>
#include <new>

#include "bench/core/harness_arena.h"
#include "bench/heap/next_operators.h"

namespace {

void* allocate_or_throw(std::size_t size, std::size_t alignment = 16) {
  if (void* block = heapwise::harness_allocate(size, alignment)) return block;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate_or_throw(size);
}
void* operator new[](std::size_t size) {
  return allocate_or_throw(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return heapwise::harness_allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return heapwise::harness_allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return heapwise::harness_allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return heapwise::harness_allocate(size, static_cast<std::size_t>(alignment));
}

// The C++ library's sized operators end here, with objects of the heap under test too.
void operator delete(void* block) noexcept {
  if (heapwise::takes_back_probe(block)) return;
  heapwise::harness_release(block);
}
void operator delete[](void* block) noexcept {
  heapwise::harness_release(block);
}
void operator delete(void* block, std::size_t) noexcept {
  heapwise::harness_release(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  heapwise::harness_release(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  heapwise::harness_release(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
  heapwise::harness_release(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  heapwise::harness_release(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
  heapwise::harness_release(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  heapwise::harness_release(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  heapwise::harness_release(block);
}
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  heapwise::harness_release(block);
}
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  heapwise::harness_release(block);
}
