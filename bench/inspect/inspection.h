// All that is known of a process at a moment, and the inspector that finds it out without stopping
// it.
//
//     begin(): who it is, which malloc, settings, system; smaps (the one dear reading); counters
//     look():  counters again, and smaps where that is cheap; rates since the look before
//
// Reading smaps makes the kernel look at every page of the process, about 12 ms for 1 GB of small
// ones, and what the process maps and unmaps meanwhile waits. So it is read once, and again only
// when it would take less than kSmapsShare of the time. Counters cost microseconds whatever the
// size.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/core/spec.h"
#include "bench/core/units.h"
#include "bench/inspect/answering_malloc.h"
#include "bench/inspect/memory_account.h"
#include "bench/inspect/process_counters.h"
#include "bench/inspect/process_files.h"
#include "bench/inspect/process_identity.h"
#include "bench/inspect/surroundings.h"
#include "bench/run/file_descriptor.h"

namespace heapwise {

struct Inspection {
  ProcessIdentity process;
  AnsweringMalloc malloc;
  std::vector<KeyValue> settings;             // its environment, as far as allocators read it
  std::vector<std::string> preloads_missing;  // LD_PRELOAD names them and they are not mapped
  Surroundings surroundings;
  MemoryAccount memory;
  Nanoseconds memory_taken_at;  // CLOCK_MONOTONIC
  Nanoseconds smaps_reading;    // how long that took: the process may have waited as long
  ProcessCounters counters;
  std::optional<Rates> rates;    // since the look before
  std::optional<Rates> overall;  // since the first
  bool has_ended = false;        // the figures are its last
  bool is_self = false;          // the process that looks

  /// How much older `memory` is than `counters`.
  Nanoseconds memory_age() const;
};

class Inspector {
 public:
  /// Takes the first look. `process` may be any thread's number. Throws RunError as identify()
  /// does.
  explicit Inspector(pid_t process);

  /// Looks again; false, and has_ended, when the process has ended since.
  bool look();

  const Inspection& inspection() const { return inspection_; }

  /// Readable when the process has ended; -1 where the kernel cannot tell.
  int end_descriptor() const { return end_.get(); }

 private:
  void read_malloc(const std::vector<MemoryMapping>& mappings);
  bool read_memory();
  std::optional<ProcessCounters> read_counters() const;
  bool may_read_memory() const;

  ProcessFiles files_;
  FileDescriptor end_;
  MappingHints hints_;
  ProcessCounters first_;
  Inspection inspection_;
};

}  // namespace heapwise
