// What a child gets to see: the allocator of the spec and nothing that another would read.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>

#include "tests/allocators/allocator_process.h"

namespace heapwise {
namespace {

/// A variable of this process, taken back at the end of the test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    setenv(name, value, 1);
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable() { old_ ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

std::map<std::string, std::string> environment_of(const std::string& spec,
                                                  const std::vector<std::string>& before = {},
                                                  const std::vector<std::string>& keep = {}) {
  std::map<std::string, std::string> variables;
  for (const auto& entry : child_environment(resolve_text(spec), before, keep)) {
    const auto equals = entry.find('=');
    const auto [at, is_new] = variables.insert({entry.substr(0, equals), entry.substr(equals + 1)});
    EXPECT_TRUE(is_new) << at->first << " is there twice";
  }
  return variables;
}

// Would catch: settings of the user's shell measured as the allocator's defaults.
TEST(ChildEnvironment, HasNothingThatAnAllocatorReads) {
  const ScopedVariable tunables("GLIBC_TUNABLES", "glibc.malloc.arena_max=1");
  const ScopedVariable arenas("MALLOC_ARENA_MAX", "1");
  const ScopedVariable conf("MALLOC_CONF", "narenas:1");
  const ScopedVariable rate("TCMALLOC_RELEASE_RATE", "0");
  const ScopedVariable reset("mimalloc_page_reset", "1");
  const ScopedVariable huge("TBB_MALLOC_USE_HUGE_PAGES", "1");
  const ScopedVariable options("SCUDO_OPTIONS", "zero_contents=1");
  const ScopedVariable own("REFMALLOC_CONF", "arenas=1");
  const ScopedVariable mine("HEAPWISE_TEST_VARIABLE", "stays");
  auto variables = environment_of("as_linked");
  for (const char* gone :
       {"GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "MALLOC_CONF", "TCMALLOC_RELEASE_RATE",
        "mimalloc_page_reset", "TBB_MALLOC_USE_HUGE_PAGES", "SCUDO_OPTIONS", "REFMALLOC_CONF"}) {
    EXPECT_FALSE(variables.contains(gone)) << gone;
  }
  EXPECT_EQ(variables["HEAPWISE_TEST_VARIABLE"], "stays");
}

// Would catch: the user's own preload in front of the allocator under test.
TEST(ChildEnvironment, PreloadsTheAllocatorAndWhatIsInFrontOfIt) {
  const ScopedVariable preload("LD_PRELOAD", "/nonexistent/libusers.so");
  auto variables = environment_of("null", {"/parts/libcount.so"});
  EXPECT_EQ(variables["LD_PRELOAD"], "/parts/libcount.so:" + resolve_text("null").library_path);
  EXPECT_FALSE(environment_of("as_linked").contains("LD_PRELOAD"));
  EXPECT_EQ(environment_of("as_linked", {"/parts/libwitness.so"})["LD_PRELOAD"],
            "/parts/libwitness.so");
}

// Would catch: a program under `try` losing the library it cannot run without.
TEST(ChildEnvironment, KeepsAUsersPreloadBehindTheAllocatorWhenAsked) {
  const ScopedVariable preload("LD_PRELOAD", "libusers.so");
  auto variables = environment_of("null", {}, {"LD_PRELOAD"});
  EXPECT_EQ(variables["LD_PRELOAD"], resolve_text("null").library_path + ":libusers.so");
}

// Would catch: a kept variable replacing the settings of the spec, or being replaced by them.
TEST(ChildEnvironment, AddsSettingsBehindWhatIsKept) {
  const ScopedVariable tunables("GLIBC_TUNABLES", "glibc.rtld.nns=4");
  auto variables = environment_of("glibc:arena_max=2", {}, {"GLIBC_TUNABLES"});
  EXPECT_EQ(variables["GLIBC_TUNABLES"], "glibc.rtld.nns=4:glibc.malloc.arena_max=2");
  EXPECT_EQ(environment_of("glibc:arena_max=2")["GLIBC_TUNABLES"], "glibc.malloc.arena_max=2");
  const ScopedVariable rate("TCMALLOC_RELEASE_RATE", "7");
  EXPECT_EQ(environment_of("tcmalloc:release_rate=3", {},
                           {"TCMALLOC_RELEASE_RATE"})["TCMALLOC_RELEASE_RATE"],
            "3");
}

// Would catch: the C library preloaded under itself changing or breaking a program.
TEST(ChildEnvironment, RunsStrangersProgramsUnderThePreloadedCLibrary) {
  const auto environment = child_environment(resolve_text("glibc"), {});
  const auto shell =
      run_process({"/bin/sh", "-c", "echo $((6 * 7)) && /bin/cat /dev/null"}, environment);
  EXPECT_EQ(shell.wait_status, 0);
  EXPECT_EQ(shell.output, "42\n");
  if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "no python3";
  const auto python = run_process(
      {"/usr/bin/python3", "-c",
       "import subprocess, sys; sys.exit(subprocess.call(['/bin/sh', '-c', 'exit 0']))"},
      environment);
  EXPECT_EQ(python.wait_status, 0) << python.output;
  EXPECT_EQ(python.output, "");
}

}  // namespace
}  // namespace heapwise
