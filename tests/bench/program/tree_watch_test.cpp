// Looks at processes that this test starts itself.
#include "bench/program/tree_watch.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

#include "bench/program/listening.h"
#include "bench/program/process_tree.h"
#include "bench/program/tree_usage.h"
#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

/// A child that does its work, says so, and then sleeps until it is killed with its owner.
class Busy {
 public:
  explicit Busy(const std::function<void()>& work) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      work();
      const ssize_t written = write(ends[1], "x", 1);
      while (written == 1) pause();
      _exit(1);
    }
    char byte = 0;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    close(ends[1]);
  }
  ~Busy() { end(); }
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

/// Under the thread sanitizer each page of a program has several of the sanitizer's.
constexpr bool kShadowed =
#ifdef __SANITIZE_THREAD__
    true;
#else
    false;
#endif

bool holds(const std::vector<pid_t>& processes, pid_t process) {
  return std::ranges::count(processes, process) > 0;
}

void touch(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memset(memory, 1, bytes);
}

// Catches processes that are left out of a tree, or strangers that are counted in.
TEST(ProcessTree, HoldsDescendantsAndNobodyElse) {
  ProcessTree tree(getpid());
  const Busy child([] {});
  EXPECT_TRUE(holds(tree.look(), child.pid()));
  EXPECT_FALSE(holds(tree.look(), getpid()));
  EXPECT_FALSE(holds(tree.look(), 1));
  EXPECT_FALSE(holds(ProcessTree(child.pid()).look(), child.pid()));
}

// Catches a process that came after the first look and is taken for a stranger ever after.
TEST(ProcessTree, SeesWhatComesLaterAndForgetsWhatEnds) {
  ProcessTree tree(getpid());
  tree.look();
  Busy child([] {});
  EXPECT_TRUE(holds(tree.look(), child.pid()));
  const auto pid = child.pid();
  kill(pid, SIGKILL);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  EXPECT_FALSE(holds(tree.look(), pid)) << "a zombie counts as a member";
}

// Catches figures of another process, or pages read as bytes.
TEST(ProcessTree, MemoryIsThatOfTheProcess) {
  if (kShadowed) GTEST_SKIP() << "the sanitizer's shadow is resident too";
  const Busy child([] { touch(64 * kMiB.value); });
  const auto memory = read_memory(child.pid());
  EXPECT_GE(memory.rss.value, 64 * kMiB.value);
  EXPECT_LT(memory.rss.value, 96 * kMiB.value);
  EXPECT_GT(memory.vsz.value, memory.rss.value);
  EXPECT_GE(read_pss(child.pid()).value, 64 * kMiB.value);
  EXPECT_EQ(executable_of(child.pid()), executable_of(getpid()));
}

// Catches a process that ended between two readings and takes the parent with it.
TEST(ProcessTree, OfAProcessThatEndedEverythingIsEmpty) {
  Busy child([] {});
  const auto pid = child.pid();
  child.end();
  EXPECT_EQ(read_memory(pid).rss.value, 0U);
  EXPECT_EQ(read_pss(pid).value, 0U);
  EXPECT_TRUE(executable_of(pid).empty());
}

// Catches shared pages counted once for each process that maps them.
TEST(TreeWatch, PagesThatProcessesShareCountOnce) {
  if (kShadowed) GTEST_SKIP() << "the sanitizer's shadow is not shared";
  constexpr std::size_t kShared = 64 << 20;
  void* shared = mmap(nullptr, kShared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  std::memset(shared, 1, kShared);
  const auto reads = [&] {
    volatile char sum = 0;
    for (std::size_t i = 0; i < kShared; i += 4096) sum = static_cast<char*>(shared)[i];
    (void)sum;
  };
  const Busy one(reads);
  const Busy two(reads);
  TreeWatch watch({getpid(), {}}, {.most_output = {1}, .outputs = {}});
  EXPECT_TRUE(watch.look());
  EXPECT_LT(watch.tree_peak().value, 2 * kShared);
  EXPECT_GE(watch.timeline().processes_count.at(0), 2U);
  EXPECT_GE(watch.vsz_peak().value, 2 * kShared);
  munmap(shared, kShared);
}

// Catches the launcher's own image, between fork and exec, that is taken for the program.
TEST(TreeWatch, AnImageOfTheLauncherIsNoMember) {
  const Busy child([] {});
  TreeWatch watch({getpid(), executable_of(getpid())}, {.most_output = {1}});
  EXPECT_TRUE(watch.members().empty());
  EXPECT_TRUE(watch.look());
  EXPECT_EQ(watch.largest().process, 0);
  EXPECT_TRUE(watch.timeline().elapsed_ns.empty());
}

// Catches a run that takes the machine's last memory, or fills its disk with output.
TEST(TreeWatch, LimitsRaiseTheAlarm) {
  TreeWatch hungry({getpid(), {}}, {.least_available = {~std::uint64_t{0}}});
  EXPECT_FALSE(hungry.look());
  EXPECT_EQ(hungry.alarm(), TreeAlarm::kMemory);

  const TemporaryFolder folder;
  const auto path = folder.file("output");
  FILE* file = std::fopen(path.c_str(), "w");
  std::fputs("0123456789", file);
  std::fclose(file);
  TreeWatch modest({getpid(), {}}, {.most_output = {10}, .outputs = {path}});
  EXPECT_TRUE(modest.look());
  TreeWatch wordy({getpid(), {}}, {.most_output = {9}, .outputs = {path}});
  EXPECT_FALSE(wordy.look());
  EXPECT_EQ(wordy.alarm(), TreeAlarm::kOutput);
}

// Catches a phase that is charged with what came before it.
TEST(TreeUsage, TheDifferenceIsWhatHappenedBetween) {
  if (kShadowed) GTEST_SKIP() << "the sanitizer's shadow faults along";
  const auto before = read_tree_usage(getpid(), {getpid()});
  touch(16 * kMiB.value);
  const auto usage = usage_between(before, read_tree_usage(getpid(), {getpid()}));
  constexpr std::uint64_t kPages = 16 * kMiB.value / 4096;
  EXPECT_GE(usage.minor_faults_count, kPages / 512);  // one a huge page at least
  EXPECT_LT(usage.minor_faults_count, 2 * kPages);
  EXPECT_GT(usage.user_cpu.value + usage.system_cpu.value, 0U);
}

// Catches the work of processes that ended and were waited for being lost.
TEST(TreeUsage, EndedProcessesStillCount) {
  const auto before = read_tree_usage(getpid(), {});
  {
    Busy child([] { touch(32 * kMiB.value); });
    child.end();
  }
  EXPECT_GT(usage_between(before, read_tree_usage(getpid(), {})).minor_faults_count, 16U);
}

// Catches a server that is driven before its door is open.
TEST(Listening, ASocketThatListensIsFoundByItsProcess) {
  const TemporaryFolder folder;
  const Busy bystander([] {});
  const Busy server([&] {
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, folder.file("s").c_str(), sizeof address.sun_path - 1);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener, 1) != 0) {
      _exit(1);
    }
  });
  EXPECT_TRUE(any_listens({bystander.pid(), server.pid()}));
  EXPECT_FALSE(any_listens({bystander.pid()}));
  EXPECT_FALSE(any_listens({}));
}

}  // namespace
}  // namespace heapwise
