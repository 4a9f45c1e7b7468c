#include "bench/inspect/process_identity.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "bench/core/spec.h"
#include "bench/run/run_error.h"
#include "tests/bench/run/temporary_folder.h"

namespace heapwise {
namespace {

/// A process as files of its own /proc.
class PretendedProcess {
 public:
  PretendedProcess() {
    std::filesystem::create_directory(proc_.file("42"));
    write("stat", stat('S', 4194304));
    write("status", "Name:\tname\nTgid:\t42\nPid:\t42\nUid:\t1000\t1000\t1000\t1000\n");
    write("maps", "555500000000-555500001000 r-xp 00000000 fe:00 7 /opt/service\n");
    std::filesystem::create_symlink("/opt/service", proc_.file("42/exe"));
  }

  static std::string stat(char state, unsigned flags) {
    return "42 (name) " + std::string(1, state) + " 7 1 1 0 -1 " + std::to_string(flags) +
           " 1 0 0 0 0 0 0 0 20 0 1 0 99 4096 1 1\n";
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(proc_.file("42/" + name)) << text;
  }
  void remove(const std::string& name) const { std::filesystem::remove(proc_.file("42/" + name)); }
  ProcessFiles files() const { return ProcessFiles(42, proc_.path()); }

  std::string refusal() const {
    try {
      identify(files(), 1000);
    } catch (const RunError& error) {
      return error.what();
    }
    return "(identified)";
  }

 private:
  TemporaryFolder proc_;
};

// Catches: a process told under another name or user than its own.
TEST(ProcessIdentity, IsWhatItsFilesSay) {
  const PretendedProcess process;
  const auto identity = identify(process.files(), 0);
  EXPECT_EQ(identity.pid, 42);
  EXPECT_EQ(identity.name, "name");
  EXPECT_EQ(identity.executable, "/opt/service");
  EXPECT_EQ(identity.user, 1000U);
  EXPECT_FALSE(identity.user_name.empty());
  EXPECT_EQ(identity.started_ticks, 99U);
}

// Catches: figures of nothing, and refusals that only say that there is one.
TEST(ProcessIdentity, RefusalsSayWhatItIs) {
  const PretendedProcess zombie;
  zombie.write("stat", PretendedProcess::stat('Z', 4194304));
  EXPECT_NE(zombie.refusal().find("(a zombie)"), std::string::npos);
  EXPECT_NE(zombie.refusal().find("process 7"), std::string::npos) << "its parent";
  const PretendedProcess kernel;
  kernel.write("stat", PretendedProcess::stat('S', 0x00200040));
  EXPECT_NE(kernel.refusal().find("thread of the kernel"), std::string::npos);
  const PretendedProcess gone;
  gone.remove("stat");
  EXPECT_NE(gone.refusal().find("there is no process 42"), std::string::npos);
  const PretendedProcess ending;
  ending.write("maps", "");
  EXPECT_NE(ending.refusal().find("has just ended"), std::string::npos);
}

// Catches: a thread's number that is refused, or inspected as if it were a process.
TEST(ProcessIdentity, AThreadBelongsToItsProcess) {
  const PretendedProcess process;
  process.write("status", "Name:\tworker\nTgid:\t41\nPid:\t42\n");
  EXPECT_EQ(process_of_thread(process.files()), 41);
  process.remove("status");
  EXPECT_EQ(process_of_thread(process.files()), 0);
}

// Catches: a word, a sign or a fraction taken for the number before it.
TEST(ProcessNumber, IsAWholeNumberAboveZero) {
  EXPECT_EQ(parse_process_number("4242"), 4242);
  for (const char* text : {"", "0", "-1", "12x", "1.5", "redis", " 1", "99999999999"}) {
    EXPECT_THROW(parse_process_number(text), UsageError) << text;
  }
}

}  // namespace
}  // namespace heapwise
