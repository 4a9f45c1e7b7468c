#include "allocators/behaviour/behaviour_probe.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <new>

namespace heapwise {
namespace {

constexpr unsigned kLimitSeconds = 8;

template <std::size_t kSize>
[[gnu::format(printf, 2, 0)]] void print(std::array<char, kSize>& text, const char* format,
                                         std::va_list arguments) {
  std::vsnprintf(text.data(), text.size(), format, arguments);
}

void wait_for(pid_t child, ProbeAnswer& answer) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    answer = {};
    answer.hide("the probe was ended by signal %d", WTERMSIG(status));
  }
}

}  // namespace

void ProbeAnswer::verify(const char* seen, ...) {
  std::va_list arguments;
  va_start(arguments, seen);
  print(read_back, seen, arguments);
  va_end(arguments);
  verdict = Verdict::kVerified;
}

void ProbeAnswer::contradict(const char* seen, ...) {
  std::va_list arguments;
  va_start(arguments, seen);
  print(read_back, seen, arguments);
  va_end(arguments);
  verdict = Verdict::kContradicted;
}

void ProbeAnswer::see(const char* seen, ...) {
  std::va_list arguments;
  va_start(arguments, seen);
  print(read_back, seen, arguments);
  va_end(arguments);
}

void ProbeAnswer::hide(const char* why, ...) {
  std::va_list arguments;
  va_start(arguments, why);
  print(note, why, arguments);
  va_end(arguments);
  verdict = Verdict::kRequestedOnly;
}

ProbeAnswer run_in_fork(void (*probe)(const void*, ProbeAnswer&), const void* argument) {
  ProbeAnswer failed;
  void* shared =
      mmap(nullptr, sizeof(ProbeAnswer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    failed.hide("no memory for the probe");
    return failed;
  }
  auto* answer = new (shared) ProbeAnswer();
  const pid_t child = fork();
  if (child == 0) {
    alarm(kLimitSeconds);
    probe(argument, *answer);
    _exit(0);
  }
  if (child > 0) {
    wait_for(child, *answer);
  } else {
    answer->hide("cannot fork: errno %d", errno);
  }
  const ProbeAnswer result = *answer;
  munmap(shared, sizeof(ProbeAnswer));
  return result;
}

}  // namespace heapwise
