// A function of the allocator that is loaded in this process, looked up at run time.
#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <string_view>

namespace heapwise {

/// nullptr where nothing loaded has it. `name` is a literal's: a zero follows it.
template <class Function>
Function* find_loaded(std::string_view name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name.data()));
}

/// jemalloc's one entry: name, old value and its length, new value and its length; 0 if it worked.
using Mallctl = int(const char*, void*, std::size_t*, void*, std::size_t);

}  // namespace heapwise
