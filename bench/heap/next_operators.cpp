#include "bench/heap/next_operators.h"

#include <dlfcn.h>

#include <cstdlib>

#include "bench/heap/failure.h"

namespace heapwise {
namespace {

static_assert(sizeof(std::size_t) == sizeof(unsigned long), "the mangled names below say `m`");
constexpr const char* kNew = "_Znwm";
constexpr const char* kDelete = "_ZdlPv";
constexpr const char* kSizedDelete = "_ZdlPvm";

constexpr std::size_t kProbeSize = 40;
constinit std::atomic<void*> probe{nullptr};

template <class Function>
Function* find_next(const char* name) {
  auto* found = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
  if (found == nullptr) std::abort();  // the C++ library, which has them all, is linked
  return found;
}

void plain_delete(void* object) {
  static auto* const next = find_next<void(void*)>(kDelete);
  next(object);
}

void plain_delete_of_size(void* object, std::size_t) {
  plain_delete(object);
}

/// Whether the next sized delete hands on to the program's own plain one.
bool comes_back(next_operators::Delete sized_delete) {
  void* object = next_operator_new(kProbeSize);
  if (object == nullptr) fail_out_of_memory("operator new", kProbeSize);
  probe.store(object);
  sized_delete(object, kProbeSize);
  return probe.exchange(nullptr) == nullptr;
}

}  // namespace

void* next_operators::find_and_new(std::size_t size) {
  auto* next = find_next<void*(std::size_t)>(kNew);
  operator_new.store(next, std::memory_order_relaxed);
  return next(size);
}

// Many threads may come here at once: one of them finds it, the others wait.
void next_operators::find_and_delete(void* object, std::size_t size) {
  static const auto found = [] {
    auto* next = find_next<void(void*, std::size_t)>(kSizedDelete);
    return comes_back(next) ? &plain_delete_of_size : next;
  }();
  operator_delete.store(found, std::memory_order_relaxed);
  found(object, size);
}

bool takes_back_probe(void* object) noexcept {
  void* expected = object;
  if (object == nullptr || !probe.compare_exchange_strong(expected, nullptr)) return false;
  plain_delete(object);
  return true;
}

}  // namespace heapwise
