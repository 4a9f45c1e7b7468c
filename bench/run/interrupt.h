// Ctrl-C and its like as a descriptor to wait for, instead of code that runs at any moment.
#pragma once

#include <csignal>

#include "bench/run/file_descriptor.h"

namespace heapwise {

/// While one lives, SIGINT, SIGTERM and SIGHUP are noted and nothing else; children start with the
/// mask they would have had. SIGXFSZ is ignored: a file limit is an error of write(2) then.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Whether one of the signals has come; stays true.
  bool requested();
  /// Readable when a signal has come and requested() was not asked since.
  int descriptor() const { return signals_.get(); }

 private:
  sigset_t earlier_mask_{};
  void (*earlier_file_limit_)(int) = SIG_DFL;
  FileDescriptor signals_;
  bool requested_ = false;
};

}  // namespace heapwise
