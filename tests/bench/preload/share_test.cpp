// The account of malloc's memory, from the library that keeps it to the reader. What it gets wrong
// sends a user after memory that no malloc can give back, or away from memory that another could.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "bench/preload/malloc_ranges.h"
#include "bench/program/malloc_share.h"
#include "tests/bench/launch/launched.h"
#include "tests/bench/launch/scratch_folder.h"

namespace heapwise {
namespace {

namespace fs = std::filesystem;

constexpr char kDebianPython[] = "/usr/bin/python3";
constexpr char kSqlite[] = "/usr/bin/sqlite3";
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
// The C++ library, stdio and the program's own bookkeeping.
constexpr std::uint64_t kOthersBytes = 2 * kMiB;

struct Preloads {
  std::string behind = "";                    // of the library: another one, or none
  std::vector<std::string> environment = {};  // besides
};

LaunchRequest request_for(const std::vector<std::string>& command, const std::string& folder,
                          const Preloads& preloads = {}) {
  const std::string behind = preloads.behind.empty() ? "" : ":" + preloads.behind;
  LaunchRequest request{
      .command = command,
      .environment = {"LD_PRELOAD=" HEAPWISE_SHARE + behind, "HEAPWISE_SHARE_FOLDER=" + folder}};
  request.environment.insert(request.environment.end(), preloads.environment.begin(),
                             preloads.environment.end());
  return request;
}

// Layouts in all accounts that a command left behind.
std::vector<MallocLayout> layouts_left_by(const std::vector<std::string>& command,
                                          const std::string& behind = "") {
  const ScratchFolder folder;
  const auto result = run_launched(request_for(command, folder.path(), {.behind = behind}));
  EXPECT_TRUE(result.exited_with(0)) << result.output;
  std::vector<MallocLayout> layouts;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    const auto account = std::make_unique<MallocRanges>();
    std::ifstream file(entry.path(), std::ios::binary);
    file.read(reinterpret_cast<char*>(account.get()), sizeof *account);
    EXPECT_EQ(account->magic, kMallocRangesMagic);
    layouts.push_back(account->layout);
  }
  return layouts;
}

class ShareAccount : public testing::TestWithParam<const char*> {};

// Catches: live bytes that drift, mapped objects that stay after their end, children that write
// into their parent's account, and a glibc that behaves otherwise because it was tried first.
TEST_P(ShareAccount, AgreesWithWhatTheProgramKnows) {
  const ScratchFolder folder;
  const auto result =
      run_launched(request_for({HEAPWISE_SHARE_PROGRAM, GetParam()}, folder.path()));
  EXPECT_TRUE(result.exited_with(0)) << result.output;
}

INSTANTIATE_TEST_SUITE_P(Of, ShareAccount,
                         testing::Values("threshold", "calls", "threads", "fork", "raw_fork",
                                         "spawn"),
                         [](const auto& mode) { return std::string(mode.param); });

// A program that has said how it stands and waits; killed at the end of the test.
class Waiting {
 public:
  explicit Waiting(const std::vector<std::string>& command, const Preloads& preloads = {})
      : launch_(request_for(command, folder_.path(), preloads)), said_(launch_.wait_for_lines(1)) {
    std::istringstream text(said_);
    for (pid_t process = 0; text >> process;) processes_.push_back(process);
    text.clear();
    text.ignore(1, ';');
    text >> malloc_bytes_;
  }
  ~Waiting() {
    kill(launch_.pid(), SIGTERM);
    launch_.finish();
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  const std::vector<pid_t>& processes() const { return processes_; }
  std::uint64_t malloc_bytes() const { return malloc_bytes_; }  // by the program's own reckoning

  MallocShare share_of(const std::vector<pid_t>& processes) const {
    const auto share = read_malloc_share(processes, folder_.path());
    EXPECT_TRUE(share) << said_;
    return share.value_or(MallocShare{});
  }
  MallocShare share() const { return share_of(processes_); }
  std::optional<MallocShare> share_if_known() const {
    return read_malloc_share(processes_, folder_.path());
  }

 private:
  ScratchFolder folder_;
  Launch launch_;
  std::string said_;
  std::vector<pid_t> processes_;
  std::uint64_t malloc_bytes_ = 0;
};

void expect_as_reckoned(const MallocShare& share, std::uint64_t malloc_bytes) {
  EXPECT_GE(share.malloc_bytes, malloc_bytes);
  EXPECT_LE(share.malloc_bytes, malloc_bytes + kOthersBytes);
  EXPECT_GE(share.tree_bytes, share.malloc_bytes);
  EXPECT_EQ(share.unrecorded_count, 0U);
}

class ShareOfProgram : public testing::TestWithParam<const char*> {};

// Catches: objects that are overlooked (arenas, aligned, resized), pages that count as malloc's
// because they are next to its own or lie where it once was, and untouched memory that counts.
TEST_P(ShareOfProgram, IsWhatTheProgramReckons) {
  const Waiting program({HEAPWISE_SHARE_PROGRAM, GetParam()});
  expect_as_reckoned(program.share(), program.malloc_bytes());
}

INSTANTIATE_TEST_SUITE_P(That, ShareOfProgram,
                         testing::Values("touched", "untouched", "own_memory", "neighbours",
                                         "arenas", "reused_heap"),
                         [](const auto& mode) { return std::string(mode.param); });

// Catches: memory that the program maps itself missing from the tree, where it is the share's base.
TEST(ShareOfPrograms, OwnMemoryCountsInTheTree) {
  EXPECT_GE(Waiting({HEAPWISE_SHARE_PROGRAM, "own_memory"}).share().tree_bytes, 64 * kMiB);
  EXPECT_GE(Waiting({HEAPWISE_SHARE_PROGRAM, "neighbours"}).share().tree_bytes, 80 * kMiB);
}

// Catches: live bytes mistaken for resident ones.
TEST(ShareOfPrograms, UntouchedObjectsAreLiveAllTheSame) {
  EXPECT_GE(Waiting({HEAPWISE_SHARE_PROGRAM, "untouched"}).share().live_bytes, 256 * kMiB);
}

// Catches: what a child inherited counted twice in a tree, or not at all in the child.
TEST(ShareOfPrograms, PagesThatProcessesShareCountOnceInATree) {
  const Waiting program({HEAPWISE_SHARE_PROGRAM, "forked"});
  ASSERT_EQ(program.processes().size(), 2U);
  expect_as_reckoned(program.share(), program.malloc_bytes());
  expect_as_reckoned(program.share_of({program.processes()[0]}), program.malloc_bytes());
  expect_as_reckoned(program.share_of({program.processes()[1]}), program.malloc_bytes());
}

double share_of_python(const std::vector<std::string>& environment) {
  const Waiting python({kDebianPython, "-c",
                        "import os, time; x = [str(i) * 3 for i in range(300000)];"
                        "print(os.getpid(), flush=True); time.sleep(60)"},
                       {.environment = environment});
  const auto share = python.share();
  return static_cast<double>(share.malloc_bytes) / static_cast<double>(share.tree_bytes);
}

// Catches: memory of a program's own allocator taken for malloc's, in the wild.
TEST(ShareInTheWild, PythonsOwnAllocatorIsNotMalloc) {
  if (!fs::exists(kDebianPython)) GTEST_SKIP() << "no " << kDebianPython << " here";
  EXPECT_LT(share_of_python({"PYTHONMALLOC=pymalloc"}), 0.4);
  EXPECT_GT(share_of_python({"PYTHONMALLOC=malloc"}), 0.6);
}

// Catches: the opposite, memory of malloc's that is not seen.
TEST(ShareInTheWild, ADatabaseInMemoryIsMostlyMallocs) {
  if (!fs::exists(kSqlite)) GTEST_SKIP() << "no " << kSqlite << " here";
  const Waiting sqlite({kSqlite, ":memory:",
                        "create table t as with recursive c(x) as (select 1 union all select x + 1 "
                        "from c where x < 300000) select x, hex(randomblob(50)) from c;",
                        ".shell echo $PPID; exec sleep 60"});
  const auto share = sqlite.share();
  EXPECT_GT(share.tree_bytes, 30 * kMiB);
  EXPECT_GT(share.malloc_bytes * 10, share.tree_bytes * 8);
}

// Catches: another allocator's memory read as if it had glibc's layout.
TEST(ShareBehindOthers, IsUnknownWhereAnotherAllocatorAnswers) {
  EXPECT_EQ(layouts_left_by({HEAPWISE_OWN_MALLOC_PROGRAM}), std::vector{MallocLayout::kUnknown});
#ifdef HEAPWISE_LINKED_ALLOCATOR_PROGRAM
  EXPECT_EQ(layouts_left_by({HEAPWISE_LINKED_ALLOCATOR_PROGRAM}),
            std::vector{MallocLayout::kUnknown});
  const Waiting program({HEAPWISE_SHARE_PROGRAM, "own_memory"},
                        {.behind = HEAPWISE_LINKED_ALLOCATOR});
  EXPECT_FALSE(program.processes().empty());
  EXPECT_FALSE(program.share_if_known());
#endif
}

// Catches: programs that link an allocator and so would never get a share.
TEST(ShareBehindOthers, ACLibraryPreloadedBehindItReplacesALinkedAllocator) {
#ifdef HEAPWISE_LINKED_ALLOCATOR_PROGRAM
  EXPECT_EQ(layouts_left_by({HEAPWISE_LINKED_ALLOCATOR_PROGRAM}, "libc.so.6"),
            std::vector{MallocLayout::kGlibc});
#else
  GTEST_SKIP() << "no allocator library to link with was found when this was built";
#endif
}

// Catches: the account of a shell taken for that of the program it became; a set-uid or static
// one, which says nothing, would get it.
TEST(ShareOfTrees, EveryExecBeginsAnAccountOfItsOwn) {
  EXPECT_EQ(layouts_left_by({"sh", "-c", "/bin/true; /bin/true; exec /bin/true"}),
            std::vector(3, MallocLayout::kGlibc));
  const Waiting changed({"sh", "-c", "exec env -u LD_PRELOAD sh -c 'echo $$; read x; sleep 60'"});
  EXPECT_FALSE(changed.processes().empty());
  EXPECT_FALSE(changed.share_if_known());
}

class ShareInSilence : public testing::Test {
 protected:
  static void expect_undisturbed(const std::string& folder, const std::string& before = "") {
    const auto result = run_launched(request_for(
        {"sh", "-c", before + "printf 'b\\na\\n' | sort | tr '\\n' ' '; exit 5"}, folder));
    EXPECT_TRUE(result.exited_with(5)) << result.output;
    EXPECT_EQ(result.output, "a b ");
  }
};

// Catches: a program that fails because its account cannot be kept.
TEST_F(ShareInSilence, WithoutAnAccountTheProgramRunsAsBefore) {
  const ScratchFolder folder;
  expect_undisturbed("");
  expect_undisturbed("/no/such/place");
  expect_undisturbed("/" + std::string(5000, 'x'));
  expect_undisturbed(folder.path(), "ulimit -f 1; ");
  expect_undisturbed(folder.path());
}

}  // namespace
}  // namespace heapwise
