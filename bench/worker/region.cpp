#include "bench/worker/region.h"

#include <dlfcn.h>
#include <sys/prctl.h>

#include "bench/launch/launch_report.h"

namespace heapwise {
namespace {

template <class Function>
Function find_function(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

Region::Region()
    : begins_hook_(find_function<Hook>("heapwise_region_begins")),
      ends_hook_(find_function<Hook>("heapwise_region_ends")),
      calls_counter_(find_function<Counter>("heapwise_heap_calls_count")),
      bytes_counter_(find_function<Counter>("heapwise_requested_bytes")),
      library_calls_counter_(find_function<Counter>("heapwise_library_calls_count")) {
  if (bytes_counter_ == nullptr || library_calls_counter_ == nullptr) calls_counter_ = nullptr;
}

void Region::begin() {
  if (calls_counter_ != nullptr) at_begin_ = totals();
  if (begins_hook_ != nullptr) begins_hook_();
  prctl(kRegionBeginsMarker, 0, 0, 0, 0);
}

void Region::end() {
  prctl(kRegionEndsMarker, 0, 0, 0, 0);
  if (ends_hook_ != nullptr) ends_hook_();
  if (calls_counter_ != nullptr) at_end_ = totals();
}

std::optional<CountedCalls> Region::counted() const {
  if (calls_counter_ == nullptr) return std::nullopt;
  return CountedCalls{at_end_.heap_calls_count - at_begin_.heap_calls_count,
                      at_end_.requested_bytes - at_begin_.requested_bytes,
                      at_end_.library_calls_count - at_begin_.library_calls_count};
}

}  // namespace heapwise
