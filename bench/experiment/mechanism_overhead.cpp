// What an object takes beyond what was asked for: of addresses, of resident memory, of usable
// bytes.
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "bench/experiment/experiment.h"
#include "bench/experiment/own_memory.h"
#include "bench/experiment/pages.h"
#include "bench/experiment/trial.h"

namespace heapwise {
namespace {

constexpr std::size_t kSizes[] = {1,   8,   16,  24,  32,   48,   64,   100,  128,
                                  200, 256, 500, 512, 1000, 1024, 4096, 8192, 100'000};
constexpr std::size_t kMemoryBytes = std::size_t{32} << 20;  // that the objects of a size take, and
constexpr std::size_t kMostObjects = 500'000;  // so many at most: many pages either way
constexpr std::size_t kMostCompared = 50'000;  // whose addresses are put in order

/// The most frequent distance between neighbours.
std::uintptr_t frequent_stride(std::uintptr_t* addresses, std::size_t count) {
  std::sort(addresses, addresses + count);
  for (std::size_t i = 0; i + 1 < count; ++i) addresses[i] = addresses[i + 1] - addresses[i];
  const std::size_t strides = count - 1;
  std::sort(addresses, addresses + strides);
  std::uintptr_t best = 0;
  std::size_t longest = 0;
  for (std::size_t begin = 0; begin < strides;) {
    std::size_t end = begin;
    while (end < strides && addresses[end] == addresses[begin]) ++end;
    if (end - begin > longest) {
      longest = end - begin;
      best = addresses[begin];
    }
    begin = end;
  }
  return best;
}

/// Whether malloc_usable_size is of the library that malloc is of: else it knows nothing of
/// objects.
bool usable_size_answers() {
  Dl_info of_malloc{};
  Dl_info of_usable_size{};
  dladdr(reinterpret_cast<void*>(&malloc), &of_malloc);
  dladdr(reinterpret_cast<void*>(&malloc_usable_size), &of_usable_size);
  return of_malloc.dli_fbase == of_usable_size.dli_fbase;
}

/// Objects that are written to their end; the least usable size, where that is known.
std::size_t make_objects(std::uintptr_t* addresses, std::size_t count, std::size_t size,
                         bool usable_size_is_known) {
  std::size_t usable = SIZE_MAX;
  for (std::size_t i = 0; i < count; ++i) {
    void* const object = malloc(size);
    if (object == nullptr) _exit(EXIT_FAILURE);
    memset(object, 1, size);
    addresses[i] = reinterpret_cast<std::uintptr_t>(object);
    if (usable_size_is_known) usable = std::min(usable, malloc_usable_size(object));
  }
  return usable;
}

void measure(Report& report, std::size_t size, std::uintptr_t* addresses) {
  constexpr std::size_t kFirstObjects = 8;  // bring what the size and the code itself need once
  const std::size_t count = std::min(kMostObjects, kMemoryBytes / size);
  const bool answers = usable_size_answers();
  make_objects(addresses, kFirstObjects, size, answers);
  frequent_stride(addresses, kFirstObjects);
  read_residence();
  const std::int64_t vsz = read_vsz_bytes();
  const std::int64_t rss = read_residence().rss_bytes;
  const std::size_t usable = make_objects(addresses, count, size, answers);
  const auto objects = static_cast<double>(count);
  const auto x = static_cast<double>(size);
  report.point("resident_bytes", x,
               static_cast<double>(read_residence().rss_bytes - rss) / objects);
  report.point("mapped_bytes", x, static_cast<double>(read_vsz_bytes() - vsz) / objects);
  report.point("stride_bytes", x,
               static_cast<double>(frequent_stride(addresses, std::min(count, kMostCompared))));
  if (answers) report.point("usable_bytes", x, static_cast<double>(usable));
}

}  // namespace

/// Tells, by the size asked for, of many objects of that size that were written to their end:
/// resident_bytes and mapped_bytes, the growth of RSS and VSZ an object; stride_bytes, the most
/// frequent distance between neighbours; usable_bytes, the least malloc_usable_size.
void mechanism_overhead(Report& report, const Arguments&) {
  auto* const addresses = reinterpret_cast<std::uintptr_t*>(map_table(report, kMostObjects));
  for (const std::size_t size : kSizes) {
    char name[64];
    snprintf(name, sizeof name, "objects_of_%zu", size);
    tell_end(report, name, try_in_fork([&] { measure(report, size, addresses); }), "measured");
    snprintf(name, sizeof name, "many objects of %zu bytes, in a fork", size);
    report.step(name);
  }
}

}  // namespace heapwise
