// The mappings of a process, from low to high, as /proc/PID/maps has them; read without heap.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace heapwise {

struct Mapping {
  static constexpr std::size_t kLongestName = 256;

  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  char rights[5] = "";           // such as r-xp
  char name[kLongestName] = "";  // a path, cut to fit, or [heap], [stack]; empty: anonymous

  std::size_t bytes() const { return end - begin; }
  bool holds(const void* address) const {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    return at >= begin && at < end;
  }
};

/// One pass over them; the process should map nothing meanwhile.
class Mappings {
 public:
  /// `process` 0: this one.
  explicit Mappings(pid_t process = 0);
  ~Mappings();
  Mappings(const Mappings&) = delete;
  Mappings& operator=(const Mappings&) = delete;

  /// The next one; false: there is none, or the process has ended.
  bool next(Mapping& mapping);

 private:
  bool next_line(char* line, std::size_t capacity);

  int file_;
  char buffer_[2048];
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
};

/// The mapping of this process that holds `address`; 0 bytes: none does.
Mapping mapping_of(const void* address);

}  // namespace heapwise
