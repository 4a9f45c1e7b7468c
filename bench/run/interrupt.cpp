#include "bench/run/interrupt.h"

#include <sys/signalfd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "bench/run/run_error.h"

namespace heapwise {

Interrupt::Interrupt() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  signals_ = FileDescriptor(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.is_open()) {
    throw RunError(std::string("cannot listen for Ctrl-C (signalfd): ") + std::strerror(errno));
  }
  earlier_file_limit_ = std::signal(SIGXFSZ, SIG_IGN);
  pthread_sigmask(SIG_BLOCK, &signals, &earlier_mask_);
}

Interrupt::~Interrupt() {
  std::signal(SIGXFSZ, earlier_file_limit_);
  requested();  // what has come is answered; it must not end the process now
  pthread_sigmask(SIG_SETMASK, &earlier_mask_, nullptr);
}

bool Interrupt::requested() {
  signalfd_siginfo info{};
  while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    requested_ = true;
  }
  return requested_;
}

}  // namespace heapwise
