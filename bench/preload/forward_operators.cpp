// The C++ operators of a library that sees every heap call: forwarded to the next definition of the
// same form, and seen where that does not pass through malloc (jemalloc's, tcmalloc's, mimalloc's
// own).
// Without a C++ library in sight, as when a C program loads one privately, they are malloc and
// free.
#include <cstdint>
#include <new>

#include "bench/preload/heap_calls.h"
#include "bench/preload/interposition.h"

static_assert(sizeof(std::size_t) == sizeof(unsigned long), "the mangled names below say `m`");

#define HEAPWISE_OPERATOR __attribute__((visibility("default")))

namespace heapwise {
namespace {

// The next definition of one operator, looked up at its first use.
template <class Function>
class NextOperator {
 public:
  explicit constexpr NextOperator(const char* mangled_name) : mangled_name_(mangled_name) {}

  /// nullptr while there is none.
  Function* get() {
    Function* next = next_.load(std::memory_order_relaxed);
    if (next != nullptr) return next;
    next = find_next<Function>(mangled_name_);
    next_.store(next, std::memory_order_relaxed);
    return next;
  }

 private:
  const char* mangled_name_;
  std::atomic<Function*> next_{nullptr};
};

void* allocate_without_operator(std::size_t size) {
  return malloc(size == 0 ? 1 : size);
}

void* allocate_without_operator(std::size_t size, std::align_val_t alignment) {
  return memalign(static_cast<std::size_t>(alignment), size == 0 ? 1 : size);
}

void* allocate_without_operator(std::size_t size, const std::nothrow_t&) {
  return allocate_without_operator(size);
}

void* allocate_without_operator(std::size_t size, std::align_val_t alignment,
                                const std::nothrow_t&) {
  return allocate_without_operator(size, alignment);
}

enum class OnFailure { kReturnNull, kStop };

// A throwing form throws inside next(); only where there is none must the failure end here.
template <OnFailure kOnFailure, class Function, class... Arguments>
void* forward_new(NextOperator<Function>& operator_new, const void* caller, std::size_t size,
                  Arguments&&... arguments) {
  Function* next = operator_new.get();
  if (next == nullptr) {
    void* object = allocate_without_operator(size, arguments...);
    if (object == nullptr && kOnFailure == OnFailure::kStop) {
      stop_process("heapwise: operator new: out of memory, and no C++ library to throw with\n");
    }
    return object;
  }
  const SeenOperator call;
  void* object = next(size, arguments...);
  call.returned(HeapCallKind::kAllocation, size, caller);
  return object;
}

template <class Function, class... Arguments>
void forward_delete(NextOperator<Function>& operator_delete, const void* caller, void* object,
                    Arguments&&... arguments) {
  Function* next = operator_delete.get();
  if (next == nullptr) return free(object);
  const SeenOperator call;
  next(object, arguments...);
  call.returned(HeapCallKind::kRelease, 0, caller);
}

}  // namespace
}  // namespace heapwise

using heapwise::forward_delete;
using heapwise::forward_new;
using heapwise::NextOperator;
using heapwise::OnFailure;

HEAPWISE_OPERATOR void* operator new(std::size_t size) {
  static constinit NextOperator<void*(std::size_t)> next("_Znwm");
  return forward_new<OnFailure::kStop>(next, HEAPWISE_CALLER, size);
}

HEAPWISE_OPERATOR void* operator new(std::size_t size, const std::nothrow_t& tag) noexcept {
  static constinit NextOperator<void*(std::size_t, const std::nothrow_t&)> next(
      "_ZnwmRKSt9nothrow_t");
  return forward_new<OnFailure::kReturnNull>(next, HEAPWISE_CALLER, size, tag);
}

HEAPWISE_OPERATOR void* operator new(std::size_t size, std::align_val_t alignment) {
  static constinit NextOperator<void*(std::size_t, std::align_val_t)> next("_ZnwmSt11align_val_t");
  return forward_new<OnFailure::kStop>(next, HEAPWISE_CALLER, size, alignment);
}

HEAPWISE_OPERATOR void* operator new(std::size_t size, std::align_val_t alignment,
                                     const std::nothrow_t& tag) noexcept {
  static constinit NextOperator<void*(std::size_t, std::align_val_t, const std::nothrow_t&)> next(
      "_ZnwmSt11align_val_tRKSt9nothrow_t");
  return forward_new<OnFailure::kReturnNull>(next, HEAPWISE_CALLER, size, alignment, tag);
}

HEAPWISE_OPERATOR void* operator new[](std::size_t size) {
  static constinit NextOperator<void*(std::size_t)> next("_Znam");
  return forward_new<OnFailure::kStop>(next, HEAPWISE_CALLER, size);
}

HEAPWISE_OPERATOR void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
  static constinit NextOperator<void*(std::size_t, const std::nothrow_t&)> next(
      "_ZnamRKSt9nothrow_t");
  return forward_new<OnFailure::kReturnNull>(next, HEAPWISE_CALLER, size, tag);
}

HEAPWISE_OPERATOR void* operator new[](std::size_t size, std::align_val_t alignment) {
  static constinit NextOperator<void*(std::size_t, std::align_val_t)> next("_ZnamSt11align_val_t");
  return forward_new<OnFailure::kStop>(next, HEAPWISE_CALLER, size, alignment);
}

HEAPWISE_OPERATOR void* operator new[](std::size_t size, std::align_val_t alignment,
                                       const std::nothrow_t& tag) noexcept {
  static constinit NextOperator<void*(std::size_t, std::align_val_t, const std::nothrow_t&)> next(
      "_ZnamSt11align_val_tRKSt9nothrow_t");
  return forward_new<OnFailure::kReturnNull>(next, HEAPWISE_CALLER, size, alignment, tag);
}

HEAPWISE_OPERATOR void operator delete(void* object) noexcept {
  static constinit NextOperator<void(void*)> next("_ZdlPv");
  forward_delete(next, HEAPWISE_CALLER, object);
}

HEAPWISE_OPERATOR void operator delete(void* object, std::size_t size) noexcept {
  static constinit NextOperator<void(void*, std::size_t)> next("_ZdlPvm");
  forward_delete(next, HEAPWISE_CALLER, object, size);
}

HEAPWISE_OPERATOR void operator delete(void* object, const std::nothrow_t& tag) noexcept {
  static constinit NextOperator<void(void*, const std::nothrow_t&)> next("_ZdlPvRKSt9nothrow_t");
  forward_delete(next, HEAPWISE_CALLER, object, tag);
}

HEAPWISE_OPERATOR void operator delete(void* object, std::align_val_t alignment) noexcept {
  static constinit NextOperator<void(void*, std::align_val_t)> next("_ZdlPvSt11align_val_t");
  forward_delete(next, HEAPWISE_CALLER, object, alignment);
}

HEAPWISE_OPERATOR void operator delete(void* object, std::size_t size,
                                       std::align_val_t alignment) noexcept {
  static constinit NextOperator<void(void*, std::size_t, std::align_val_t)> next(
      "_ZdlPvmSt11align_val_t");
  forward_delete(next, HEAPWISE_CALLER, object, size, alignment);
}

HEAPWISE_OPERATOR void operator delete(void* object, std::align_val_t alignment,
                                       const std::nothrow_t& tag) noexcept {
  static constinit NextOperator<void(void*, std::align_val_t, const std::nothrow_t&)> next(
      "_ZdlPvSt11align_val_tRKSt9nothrow_t");
  forward_delete(next, HEAPWISE_CALLER, object, alignment, tag);
}

HEAPWISE_OPERATOR void operator delete[](void* object) noexcept {
  static constinit NextOperator<void(void*)> next("_ZdaPv");
  forward_delete(next, HEAPWISE_CALLER, object);
}

HEAPWISE_OPERATOR void operator delete[](void* object, std::size_t size) noexcept {
  static constinit NextOperator<void(void*, std::size_t)> next("_ZdaPvm");
  forward_delete(next, HEAPWISE_CALLER, object, size);
}

HEAPWISE_OPERATOR void operator delete[](void* object, const std::nothrow_t& tag) noexcept {
  static constinit NextOperator<void(void*, const std::nothrow_t&)> next("_ZdaPvRKSt9nothrow_t");
  forward_delete(next, HEAPWISE_CALLER, object, tag);
}

HEAPWISE_OPERATOR void operator delete[](void* object, std::align_val_t alignment) noexcept {
  static constinit NextOperator<void(void*, std::align_val_t)> next("_ZdaPvSt11align_val_t");
  forward_delete(next, HEAPWISE_CALLER, object, alignment);
}

HEAPWISE_OPERATOR void operator delete[](void* object, std::size_t size,
                                         std::align_val_t alignment) noexcept {
  static constinit NextOperator<void(void*, std::size_t, std::align_val_t)> next(
      "_ZdaPvmSt11align_val_t");
  forward_delete(next, HEAPWISE_CALLER, object, size, alignment);
}

HEAPWISE_OPERATOR void operator delete[](void* object, std::align_val_t alignment,
                                         const std::nothrow_t& tag) noexcept {
  static constinit NextOperator<void(void*, std::align_val_t, const std::nothrow_t&)> next(
      "_ZdaPvSt11align_val_tRKSt9nothrow_t");
  forward_delete(next, HEAPWISE_CALLER, object, alignment, tag);
}
