// The operator new and the sized operator delete that the allocator under test brings, or else the
// C++ library's, which call malloc and free. They are those of the next library in link order,
// because a program may define operators of its own for itself (the measured process does).
//
// Found at the first call: let it lie before what is measured. No exception leaves here.
#pragma once

#include <atomic>
#include <cstddef>

namespace heapwise {

namespace next_operators {

using New = void* (*)(std::size_t);
using Delete = void (*)(void*, std::size_t);

void* find_and_new(std::size_t size);
void find_and_delete(void* object, std::size_t size);

inline constinit std::atomic<New> operator_new{find_and_new};
inline constinit std::atomic<Delete> operator_delete{find_and_delete};

}  // namespace next_operators

/// nullptr where the request is refused.
inline void* next_operator_new(std::size_t size) {
  try {
    return next_operators::operator_new.load(std::memory_order_relaxed)(size);
  } catch (...) {
    return nullptr;
  }
}

/// `object` is next_operator_new's of this size.
inline void next_operator_delete(void* object, std::size_t size) {
  next_operators::operator_delete.load(std::memory_order_relaxed)(object, size);
}

/// A program that defines operator delete(void*) asks here first. True: the object was this file's,
/// and is freed. The C++ library's sized delete calls the program's plain one; that is how it is
/// told from an allocator's own.
bool takes_back_probe(void* object) noexcept;

}  // namespace heapwise
