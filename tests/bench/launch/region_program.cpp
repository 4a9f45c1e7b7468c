// A program that makes a known number of memory system calls around and inside a marked region.
//
//   region_program calls THREADS   exit 0; inside: 1 brk, and per thread 3 mmap, 2 madvise, 1
//   mremap,
//                                  3 munmap; the threads live before the region or start inside it
//   region_program child           a child of the region makes 5 mmap; the region itself 1
//   region_program signals         exit 0 if signals, stops and continuing work as without a tracer
//   region_program unmarked        the calls without a region
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "bench/launch/launch_report.h"

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kStackBytes = std::size_t{256} << 10;
constexpr int kThreadsMost = 64;
constexpr int kChildCalls = 5;
constexpr int kChildExitCode = 7;

std::atomic<int> ready{0};
std::atomic<bool> may_start{false};
std::atomic<int> done{0};
std::atomic<bool> may_end{false};
volatile sig_atomic_t signals_handled = 0;
alignas(kPage) char stacks[kThreadsMost][kStackBytes];  // so that pthread_create maps nothing

void mark(int marker) {
  prctl(marker, 0, 0, 0, 0);
}

char* map(std::size_t bytes) {
  return reinterpret_cast<char*>(syscall(SYS_mmap, nullptr, bytes, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

void make_known_calls() {
  char* first = map(kPage);
  char* second = map(kPage);
  char* third = map(4 * kPage);
  madvise(first, kPage, MADV_DONTNEED);
  madvise(second, kPage, MADV_DONTNEED);
  third = static_cast<char*>(mremap(third, 4 * kPage, 2 * kPage, 0));
  munmap(first, kPage);
  munmap(second, kPage);
  munmap(third, 2 * kPage);
}

void* run_thread(void*) {
  make_known_calls();  // outside the region, or inside where the thread was started there
  ++ready;
  while (!may_start) sched_yield();
  make_known_calls();
  ++done;
  while (!may_end) sched_yield();
  return nullptr;
}

void* run_late_thread(void*) {
  make_known_calls();
  ++done;
  while (!may_end) sched_yield();
  return nullptr;
}

pthread_t start_thread(int index, void* (*function)(void*)) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, stacks[index], kStackBytes);
  pthread_t thread{};
  if (pthread_create(&thread, &attributes, function, nullptr) != 0) abort();
  return thread;
}

// All threads but the last exist before the region; the last is started inside it.
int run_calls(int threads) {
  void* volatile first = malloc(1);  // pthread_create allocates: the heap must have begun
  free(first);
  pthread_t handles[kThreadsMost];
  for (int i = 0; i < threads - 1; ++i) handles[i] = start_thread(i, run_thread);
  while (ready < threads - 1) sched_yield();
  mark(heapwise::kRegionBeginsMarker);
  may_start = true;
  handles[threads - 1] = start_thread(threads - 1, run_late_thread);
  syscall(SYS_brk, 0);
  while (done < threads) sched_yield();
  mark(heapwise::kRegionEndsMarker);
  make_known_calls();
  may_end = true;
  for (int i = 0; i < threads; ++i) pthread_join(handles[i], nullptr);
  return 0;
}

int run_child() {
  mark(heapwise::kRegionBeginsMarker);
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < kChildCalls; ++i) {
      if (map(kPage) == MAP_FAILED) _exit(1);
    }
    _exit(kChildExitCode);
  }
  int status = 0;
  waitpid(child, &status, 0);
  map(kPage);
  mark(heapwise::kRegionEndsMarker);
  return WEXITSTATUS(status) == kChildExitCode ? 0 : 1;
}

// The steps in which a careless tracer goes wrong; the exit code names the first that did.
int run_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { signals_handled = signals_handled + 1; };
  sigaction(SIGUSR1, &action, nullptr);
  for (int i = 0; i < 100; ++i) raise(SIGUSR1);
  if (signals_handled != 100) return 1;

  const pid_t child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    map(kPage);
    _exit(kChildExitCode);
  }
  int status = 0;
  if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status)) return 2;
  if (WSTOPSIG(status) != SIGSTOP) return 3;
  kill(child, SIGCONT);
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 4;
  if (WEXITSTATUS(status) != kChildExitCode) return 5;

  const pid_t victim = fork();
  if (victim == 0) {
    while (true) pause();
  }
  kill(victim, SIGTERM);
  if (waitpid(victim, &status, 0) != victim || !WIFSIGNALED(status)) return 6;
  return WTERMSIG(status) == SIGTERM ? 0 : 7;
}

}  // namespace

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "calls") == 0 && argc == 3) return run_calls(atoi(argv[2]));
  if (strcmp(mode, "child") == 0) return run_child();
  if (strcmp(mode, "signals") == 0) return run_signals();
  if (strcmp(mode, "unmarked") == 0) {
    make_known_calls();
    return 0;
  }
  fputs("usage: region_program calls THREADS | child | signals | unmarked\n", stderr);
  return 64;
}
