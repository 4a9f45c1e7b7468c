// What an experiment tells: lines on standard output, each written at once by a raw write, so that
// an experiment that is killed has told what came before. Nothing here touches the heap, and
// nothing in this program may use stdio streams, which take their buffers from malloc.
//
//     value NAME INTEGER                        a figure, its unit at the end of the name
//     text NAME WORDS                           a word or a sentence
//     step BRK VSZ RSS MINOR MAJOR ADDRESS LABEL  the process after LABEL; all in bytes or counts
//     point SERIES X Y                          of a curve
//     refused WORDS                             what the system did not let the experiment do
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapwise {

/// The process as the kernel counts it, read without heap. brk is the heap's top, as sbrk(0) has
/// it.
struct ProcessState {
  std::int64_t brk = 0;
  std::int64_t vsz_bytes = 0;
  std::int64_t rss_bytes = 0;
  std::int64_t minor_faults_count = 0;
  std::int64_t major_faults_count = 0;
};

/// By raw reads of /proc/self/statm and getrusage(2).
ProcessState read_process_state();

class Report {
 public:
  /// Does once, without telling, what telling does, so that no experiment sees the page faults of
  /// it.
  void prepare();

  void value(const char* name, std::int64_t figure);
  void value(const char* name, std::size_t figure) {
    value(name, static_cast<std::int64_t>(figure));
  }
  void value(const char* name, int figure) { value(name, static_cast<std::int64_t>(figure)); }
  void text(const char* name, const char* words);
  void point(const char* series, double x, double y);

  /// Tells and returns the state after what `label` says was done; `address`: what it gave.
  ProcessState step(const char* label, const void* address = nullptr);

  /// The experiment cannot go on: `what` failed, for `reason` or, without one, as errno has it.
  /// Ends the process.
  [[noreturn]] void refuse(const char* what, const char* reason = nullptr);

  /// System calls in between are counted when the parent asked for it; without that, no effect.
  void count_system_calls_from_here();
  void count_system_calls_until_here();
};

}  // namespace heapwise
