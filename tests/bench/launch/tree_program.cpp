// A program that leaves other processes behind. Where it does not say otherwise it ends with exit
// code 5. Whatever it starts ends by itself after half a minute, should a test fail.
//
//   tree_program daemon DEED   starts a daemon (two forks, a session of its own) that writes its
//                              number to stdout and does the DEED; ends without waiting for it
//   tree_program waits DEED    the same, but ends after the daemon
//   tree_program zombie        leaves one process that sleeps and has not waited for its child
//   tree_program spreads       starts children for ever, each in a session of its own
//   tree_program relay         is for ever replaced by its child, in the same process group
//
// DEEDs: sleep; work (200 ms of CPU time, 64 MiB touched); crash (SIGSEGV); serve (exit code 6 at
// SIGTERM)
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr int kExitCode = 5;
constexpr int kServedExitCode = 6;
constexpr unsigned kLifeSeconds = 30;
constexpr double kWorkSeconds = 0.2;
constexpr size_t kWorkBytes = size_t{64} << 20;
constexpr int kMostChildren = 5000;
constexpr useconds_t kBetweenChildren = 500;

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void work() {
  void* memory =
      mmap(nullptr, kWorkBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) _exit(1);
  memset(memory, 1, kWorkBytes);
  while (seconds_of(CLOCK_PROCESS_CPUTIME_ID) < kWorkSeconds) {
  }
}

[[noreturn]] void do_deed(const char* deed) {
  if (strcmp(deed, "work") == 0) {
    work();
  } else if (strcmp(deed, "crash") == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    raise(SIGSEGV);
  } else {
    while (true) pause();
  }
  _exit(0);
}

[[noreturn]] void be_daemon(const char* deed, int told) {
  alarm(kLifeSeconds);
  setsid();
  if (fork() != 0) _exit(0);
  alarm(kLifeSeconds);
  if (strcmp(deed, "serve") == 0) signal(SIGTERM, [](int) { _exit(kServedExitCode); });
  printf("%d\n", getpid());
  fflush(stdout);
  if (write(told, "", 1) != 1) _exit(1);
  do_deed(deed);
}

int start_daemon(const char* deed, bool waits) {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  const pid_t child = fork();
  if (child == 0) be_daemon(deed, ends[1]);
  close(ends[1]);
  waitpid(child, nullptr, 0);
  char byte = 0;
  if (read(ends[0], &byte, 1) != 1) return 1;
  while (waits && read(ends[0], &byte, 1) > 0) {
  }
  return kExitCode;
}

[[noreturn]] void be_careless_parent(int told) {
  alarm(kLifeSeconds);
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  if (write(told, "", 1) != 1) _exit(1);
  while (true) pause();
}

int leave_zombie() {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  if (fork() == 0) be_careless_parent(ends[1]);
  char byte = 0;
  return read(ends[0], &byte, 1) == 1 ? kExitCode : 1;
}

[[noreturn]] void spread() {
  alarm(kLifeSeconds);
  for (int i = 0; i < kMostChildren; ++i) {
    if (fork() == 0) {
      alarm(kLifeSeconds);
      setsid();
      while (true) pause();
    }
    if (i == 0) puts("started");
    fflush(stdout);
    usleep(kBetweenChildren);
  }
  _exit(0);
}

[[noreturn]] void relay() {
  puts("started");
  fflush(stdout);
  const double end = seconds_of(CLOCK_MONOTONIC) + kLifeSeconds;
  while (seconds_of(CLOCK_MONOTONIC) < end) {
    if (fork() != 0) _exit(kExitCode);
  }
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "daemon") == 0 && argc == 3) return start_daemon(argv[2], false);
  if (strcmp(mode, "waits") == 0 && argc == 3) return start_daemon(argv[2], true);
  if (strcmp(mode, "zombie") == 0) return leave_zombie();
  if (strcmp(mode, "spreads") == 0) spread();
  if (strcmp(mode, "relay") == 0) relay();
  fputs("usage: tree_program daemon DEED | waits DEED | zombie | spreads | relay\n", stderr);
  return 64;
}
