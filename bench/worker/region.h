// The measured region's two ends as the outside sees them: the marker calls for the tracing
// launcher, the hooks of preloaded libraries, the counting shim's totals.
#pragma once

#include <cstdint>
#include <optional>

namespace heapwise {

struct CountedCalls {
  std::uint64_t heap_calls_count;  // without the C library's own
  std::uint64_t requested_bytes;
  std::uint64_t library_calls_count;  // of the C library, as when a thread starts or ends
};

class Region {
 public:
  /// Looks the hooks up; to be made before anything is measured.
  Region();

  void begin();
  void end();

  /// What the counting shim saw between begin() and end(); nothing where it is not preloaded.
  std::optional<CountedCalls> counted() const;

 private:
  using Hook = void (*)();
  using Counter = std::uint64_t (*)();

  CountedCalls totals() const {
    return {calls_counter_(), bytes_counter_(), library_calls_counter_()};
  }

  Hook begins_hook_;
  Hook ends_hook_;
  Counter calls_counter_;
  Counter bytes_counter_;
  Counter library_calls_counter_;
  CountedCalls at_begin_{};
  CountedCalls at_end_{};
};

}  // namespace heapwise
