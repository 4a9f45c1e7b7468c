#include "bench/launch/arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

namespace heapwise {
namespace {

constexpr int kFirstFreeDescriptor = 3;

constexpr char kHelpText[] =
    "usage: heapwise-launch --report-fd N [OPTIONS] -- PROGRAM [ARGS...]\n"
    "\n"
    "Runs PROGRAM (found through PATH) in a session of its own, without a terminal, waits for it\n"
    "and writes one binary LaunchReport (bench/launch/launch_report.h) to descriptor N: exit\n"
    "status, wall time, and CPU time, peak RSS, faults and switches of PROGRAM and all processes\n"
    "that descend from it. It is static and tiny because a child's peak RSS starts at the size of\n"
    "the process that started it.\n"
    "\n"
    "  --report-fd N          descriptor for the report, 3 or more; PROGRAM does not inherit it\n"
    "  --trace-system-calls   count brk, mmap, munmap, madvise, mremap between the two marker\n"
    "                         calls; slows those calls, and sudo does not work inside\n"
    "  --whole-tree           measure until the last process that descends from PROGRAM has "
    "ended,\n"
    "                         for a server that goes into the background\n"
    "  --address-space BYTES  limit PROGRAM's address space (RLIMIT_AS)\n"
    "  --cgroup-procs PATH    let PROGRAM begin in the cgroup whose cgroup.procs is PATH\n"
    "  --stdin PATH           read from PATH, e.g. /dev/null\n"
    "  --stdout PATH          write to PATH, created or truncated; so does --stderr PATH\n"
    "  --directory DIR        start PROGRAM in DIR; the PATHs above are opened before\n"
    "  --help                 this text\n"
    "\n"
    "What PROGRAM leaves running when it ends is killed and counted, daemons included. If memory\n"
    "runs out the kernel ends PROGRAM first (oom_score_adj 1000).\n"
    "SIGUSR1 asks to end: PROGRAM, and its descendants whose parent has ended, get SIGTERM.\n"
    "SIGTERM kills PROGRAM and all its descendants and still writes the report. SIGINT, SIGHUP "
    "and\n"
    "SIGQUIT are left to the parent to act upon.\n"
    "Exit code: 0 report written (also when PROGRAM failed or was not found), 1 not written,\n"
    "2 wrong arguments.\n"
    "Example: heapwise-launch --report-fd 3 --stdin /dev/null -- sort big.txt 3>report.bin\n";

enum Option {
  kReportFd = 256,
  kTrace,
  kWholeTree,
  kAddressSpace,
  kCgroupProcs,
  kStdin,
  kStdout,
  kStderr,
  kDirectory,
  kHelp
};

constexpr option kOptions[] = {
    {"report-fd", required_argument, nullptr, kReportFd},
    {"trace-system-calls", no_argument, nullptr, kTrace},
    {"whole-tree", no_argument, nullptr, kWholeTree},
    {"address-space", required_argument, nullptr, kAddressSpace},
    {"cgroup-procs", required_argument, nullptr, kCgroupProcs},
    {"stdin", required_argument, nullptr, kStdin},
    {"stdout", required_argument, nullptr, kStdout},
    {"stderr", required_argument, nullptr, kStderr},
    {"directory", required_argument, nullptr, kDirectory},
    {"help", no_argument, nullptr, kHelp},
    {nullptr, 0, nullptr, 0},
};

bool parse_number(const char* text, std::uint64_t& number) {
  if (*text < '0' || *text > '9') return false;
  char* end = nullptr;
  errno = 0;
  number = strtoull(text, &end, 10);
  return errno == 0 && *end == '\0';
}

bool parse_report_descriptor(const char* text, int& descriptor) {
  std::uint64_t number = 0;
  if (!parse_number(text, number) || number < kFirstFreeDescriptor || number > INT_MAX ||
      fcntl(static_cast<int>(number), F_GETFD) < 0) {
    fprintf(stderr,
            "heapwise-launch: --report-fd %s is not an open descriptor of 3 or more; open one, "
            "e.g. `--report-fd 3 ... 3>report.bin`\n",
            text);
    return false;
  }
  descriptor = static_cast<int>(number);
  return true;
}

bool parse_address_space(const char* text, Arguments& arguments) {
  if (!parse_number(text, arguments.address_space_bytes)) {
    fprintf(stderr,
            "heapwise-launch: --address-space %s is not a plain number of bytes; write e.g. "
            "1073741824 for 1 GiB\n",
            text);
    return false;
  }
  arguments.limits_address_space = true;
  return true;
}

// One option that getopt_long understood.
bool take_option(int which, Arguments& arguments) {
  switch (which) {
    case kReportFd:
      return parse_report_descriptor(optarg, arguments.report_descriptor);
    case kAddressSpace:
      return parse_address_space(optarg, arguments);
    case kTrace:
      arguments.trace_system_calls = true;
      return true;
    case kWholeTree:
      arguments.whole_tree = true;
      return true;
    case kCgroupProcs:
      arguments.cgroup_procs = optarg;
      return true;
    case kStdin:
      arguments.stdin_path = optarg;
      return true;
    case kStdout:
      arguments.stdout_path = optarg;
      return true;
    case kStderr:
      arguments.stderr_path = optarg;
      return true;
    case kDirectory:
      arguments.directory = optarg;
      return true;
    default:
      return false;
  }
}

bool is_complete(const Arguments& arguments) {
  if (arguments.report_descriptor < 0) {
    fputs("heapwise-launch: --report-fd N is missing; say where the report goes (see --help)\n",
          stderr);
    return false;
  }
  if (arguments.command[0] == nullptr) {
    fputs("heapwise-launch: no PROGRAM given; write it after `--` (see --help)\n", stderr);
    return false;
  }
  return true;
}

}  // namespace

Parsed parse_arguments(int argc, char** argv, Arguments& arguments) {
  opterr = 0;
  while (true) {
    const int which = getopt_long(argc, argv, "+:", kOptions, nullptr);
    if (which == -1) break;
    if (which == kHelp) {
      fputs(kHelpText, stdout);
      return Parsed::kHelp;
    }
    if (which == ':' || which == '?') {
      fprintf(stderr, "heapwise-launch: %s %s; see --help\n", argv[optind - 1],
              which == ':' ? "needs a value" : "is not an option");
      return Parsed::kWrong;
    }
    if (!take_option(which, arguments)) return Parsed::kWrong;
  }
  arguments.command = argv + optind;
  return is_complete(arguments) ? Parsed::kRun : Parsed::kWrong;
}

}  // namespace heapwise
