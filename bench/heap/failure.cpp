#include "bench/heap/failure.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace heapwise {
namespace {

void write_to_standard_error(std::string_view text) {
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
}

std::atomic<FailureHandler> failure_handler{nullptr};

[[noreturn]] void fail(std::string_view status, std::string_view detail) {
  if (const auto handler = failure_handler.load()) handler(status, detail);
  write_to_standard_error("heapwise-worker: ");
  write_to_standard_error(status);
  write_to_standard_error(": ");
  write_to_standard_error(detail);
  write_to_standard_error("\n");
  _exit(4);
}

}  // namespace

void set_failure_handler(FailureHandler handler) {
  failure_handler = handler;
}

void fail_out_of_memory(std::string_view function, std::size_t requested) {
  fail("out_of_memory", std::string(function) + "(" + std::to_string(requested) + ") gave NULL");
}

void fail_integrity(std::string_view detail) {
  fail("integrity_failed", detail);
}

}  // namespace heapwise
