// A fixed crew of threads, started before the measured region and ended after it, because starting
// a thread calls the C library's own calloc on the heap under test.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace heapwise {

class Threads {
 public:
  explicit Threads(unsigned count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  unsigned count() const { return static_cast<unsigned>(threads_.size()); }

  /// Runs body(index) on every thread at once and returns when all have ended it. The caller sleeps
  /// meanwhile. Makes no heap call.
  void run(const std::function<void(unsigned)>& body);

 private:
  void serve(unsigned index);

  const std::function<void(unsigned)>* body_ = nullptr;  // nullptr in a new round: end
  std::atomic<std::uint32_t> round_{0};
  std::atomic<std::uint32_t> busy_{0};
  std::vector<std::thread> threads_;
};

}  // namespace heapwise
