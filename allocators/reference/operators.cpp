// Every form of operator new and delete, over the heap. Only in the library that is preloaded.
//
// The C++ runtime is needed in two rare cases, and neither may become a dependency of a C program:
// the new_handler and throwing bad_alloc are found by weak references. Where they are missing (a C
// program that loads a C++ library later), running out of memory in operator new ends the process.

#include <cstdlib>
#include <new>

#include "allocators/reference/heap.h"
#include "allocators/reference/interface.h"

namespace std {
__attribute__((weak)) new_handler get_new_handler() noexcept;
__attribute__((weak)) void __throw_bad_alloc();
}  // namespace std

namespace {

std::new_handler current_handler() noexcept {
  return std::get_new_handler != nullptr ? std::get_new_handler() : nullptr;
}

void* obtain(std::size_t bytes, std::size_t alignment) noexcept {
  return refmalloc::allocate_aligned(bytes, alignment);
}

// What the standard prescribes when the first attempt fails: the handler makes room, throws or
// gives up. nullptr when there is no handler any more.
__attribute__((noinline)) void* obtain_with_handler(std::size_t bytes, std::size_t alignment) {
  while (const std::new_handler handler = current_handler()) {
    handler();
    if (void* const object = obtain(bytes, alignment); object != nullptr) return object;
  }
  return nullptr;
}

__attribute__((noinline)) void* obtain_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const object = obtain_with_handler(bytes, alignment);
  if (object != nullptr) return object;
  if (std::__throw_bad_alloc != nullptr) std::__throw_bad_alloc();
  refmalloc::Message()
      .text("operator new: out of memory for ")
      .number(bytes)
      .text(" bytes")
      .write();
  std::abort();
}

void* new_object(std::size_t bytes) {
  void* const object = refmalloc::allocate(bytes);
  if (object != nullptr) [[likely]]
    return object;
  return obtain_or_throw(bytes, 1);
}

void* new_aligned(std::size_t bytes, std::align_val_t alignment) {
  void* const object = obtain(bytes, static_cast<std::size_t>(alignment));
  if (object != nullptr) [[likely]]
    return object;
  return obtain_or_throw(bytes, static_cast<std::size_t>(alignment));
}

// A handler that throws through a nothrow form ends the process.
void* new_or_null(std::size_t bytes, std::size_t alignment) noexcept {
  void* const object = obtain(bytes, alignment);
  return object != nullptr ? object : obtain_with_handler(bytes, alignment);
}

}  // namespace

#define EXPORT REFMALLOC_EXPORT

EXPORT void* operator new(std::size_t bytes) {
  return new_object(bytes);
}
EXPORT void* operator new[](std::size_t bytes) {
  return new_object(bytes);
}
EXPORT void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return new_aligned(bytes, alignment);
}
EXPORT void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return new_aligned(bytes, alignment);
}
EXPORT void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return new_or_null(bytes, 1);
}
EXPORT void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return new_or_null(bytes, 1);
}
EXPORT void* operator new(std::size_t bytes, std::align_val_t alignment,
                          const std::nothrow_t&) noexcept {
  return new_or_null(bytes, static_cast<std::size_t>(alignment));
}
EXPORT void* operator new[](std::size_t bytes, std::align_val_t alignment,
                            const std::nothrow_t&) noexcept {
  return new_or_null(bytes, static_cast<std::size_t>(alignment));
}

EXPORT void operator delete(void* object) noexcept {
  refmalloc::deallocate(object);
}
EXPORT void operator delete[](void* object) noexcept {
  refmalloc::deallocate(object);
}
EXPORT void operator delete(void* object, std::size_t bytes) noexcept {
  refmalloc::deallocate(object, {.bytes = bytes});
}
EXPORT void operator delete[](void* object, std::size_t bytes) noexcept {
  refmalloc::deallocate(object, {.bytes = bytes});
}
EXPORT void operator delete(void* object, std::align_val_t) noexcept {
  refmalloc::deallocate(object);
}
EXPORT void operator delete[](void* object, std::align_val_t) noexcept {
  refmalloc::deallocate(object);
}
EXPORT void operator delete(void* object, std::size_t bytes, std::align_val_t alignment) noexcept {
  refmalloc::deallocate(object, {.bytes = bytes, .alignment = static_cast<std::size_t>(alignment)});
}
EXPORT void operator delete[](void* object, std::size_t bytes,
                              std::align_val_t alignment) noexcept {
  refmalloc::deallocate(object, {.bytes = bytes, .alignment = static_cast<std::size_t>(alignment)});
}
EXPORT void operator delete(void* object, const std::nothrow_t&) noexcept {
  refmalloc::deallocate(object);
}
EXPORT void operator delete[](void* object, const std::nothrow_t&) noexcept {
  refmalloc::deallocate(object);
}
EXPORT void operator delete(void* object, std::align_val_t, const std::nothrow_t&) noexcept {
  refmalloc::deallocate(object);
}
EXPORT void operator delete[](void* object, std::align_val_t, const std::nothrow_t&) noexcept {
  refmalloc::deallocate(object);
}

#undef EXPORT
