#include "bench/inspect/memory_account.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/bench/inspect/smaps_text.h"

namespace heapwise {
namespace {

constexpr std::uint64_t kProgramAt = 0x555500000000;
constexpr std::uint64_t kMapsAt = 0x7f0000001000;  // no multiple of 64 MiB
constexpr std::uint64_t kArenaAt = 0x7e0000000000;
constexpr std::uint64_t kPage = 4 * kKilo;
constexpr std::uint64_t kStack = 8 * kMega;

MappingHints hints(std::uint64_t threads = 1) {
  return {.executable = "/opt/service", .threads_count = threads};
}

MemoryAccount account_of(const SmapsText& text, const MappingHints& with = hints()) {
  return account_for(text.mappings(), with);
}

/// Of a text with one mapping.
MappingKind kind_of(const std::string& permissions, const std::string& name) {
  const auto text = SmapsText().add(kMapsAt, kMega, permissions, name);
  return kinds_of(text.mappings(), {}, hints()).at(0);
}

// Catches: kinds told by a part of the name, such as a library called like the heap.
TEST(MemoryAccount, NamesTellTheirKind) {
  EXPECT_EQ(kind_of("r-xp", "/opt/service"), MappingKind::kProgram);
  EXPECT_EQ(kind_of("rw-p", "[heap]"), MappingKind::kHeap);
  EXPECT_EQ(kind_of("rw-p", "[stack]"), MappingKind::kStacks);
  EXPECT_EQ(kind_of("r-xp", "[vdso]"), MappingKind::kKernel);
  EXPECT_EQ(kind_of("r--p", "[vvar]"), MappingKind::kKernel);
  EXPECT_EQ(kind_of("r-xp", "/lib/libc.so.6"), MappingKind::kLibraries);
  EXPECT_EQ(kind_of("r--p", "/usr/lib/locale/locale-archive"), MappingKind::kFiles);
  EXPECT_EQ(kind_of("r--s", "/var/cache/data"), MappingKind::kFiles);
  EXPECT_EQ(kind_of("r--p", "/opt/service.old"), MappingKind::kFiles);
  EXPECT_EQ(kind_of("rw-p", "[anon: glibc: pthread stack: 71]"), MappingKind::kStacks);
  EXPECT_EQ(kind_of("rw-p", "[anon:a name]"), MappingKind::kAnonymous);
  EXPECT_EQ(kind_of("rw-s", "anon_inode:[io_uring]"), MappingKind::kKernel);
}

// Catches: shared memory told as a file or as malloc's.
TEST(MemoryAccount, SharedMemoryHasManyNames) {
  for (const char* name : {"/memfd:cache (deleted)", "/dev/shm/queue", "/SYSV00000000 (deleted)",
                           "/dev/zero (deleted)", "[anon_shmem:pool]", ""}) {
    EXPECT_EQ(kind_of("rw-s", name), MappingKind::kSharedMemory) << name;
  }
  EXPECT_EQ(kind_of("rw-p", "/anon_hugepage (deleted)"), MappingKind::kAnonymous);
  EXPECT_EQ(kind_of("rw-s", "/anon_hugepage (deleted)"), MappingKind::kSharedMemory);
}

// Catches: the data part of a library told as a data file, because it is not executable itself.
TEST(MemoryAccount, AFileOfWhichAPartIsCodeIsALibrary) {
  SmapsText text;
  text.add(kMapsAt, kPage, "r--p", "/lib/libx.so")
      .add(kMapsAt + kPage, kPage, "r-xp", "/lib/libx.so");
  text.add(kMapsAt + 2 * kPage, kPage, "rw-p", "/lib/libx.so");
  EXPECT_EQ(account_of(text).of(MappingKind::kLibraries).mappings_count, 3U);
}

// Catches: zeroed globals told as malloc's memory; and memory in a gap told as a library's globals.
TEST(MemoryAccount, GlobalsLieRightBehindTheirFile) {
  SmapsText text;
  text.add(kProgramAt, kPage, "rw-p", "/opt/service");
  text.add(kProgramAt + kPage, kGiga, "rw-p", "", {.rss = kMega});
  text.add(kMapsAt, kPage, "r-xp", "/lib/libx.so").add(kMapsAt + kPage, 2 * kPage, "rw-p");
  text.add(kMapsAt + kMega, kPage, "r-xp", "/lib/liby.so");
  text.add(kMapsAt + kMega + kPage, kGiga, "rw-p");
  text.add(kMapsAt + 2 * kGiga, kPage, "r--p", "/data")
      .add(kMapsAt + 2 * kGiga + kPage, kPage, "rw-p");
  const auto account = account_of(text);
  EXPECT_EQ(account.of(MappingKind::kProgram).vsz, Bytes{kPage + kGiga});
  EXPECT_EQ(account.of(MappingKind::kProgram).rss, Bytes{kMega});
  EXPECT_EQ(account.of(MappingKind::kLibraries).vsz, Bytes{4 * kPage});
  EXPECT_EQ(account.of(MappingKind::kAnonymous).vsz, Bytes{kGiga + kPage});
}

// Catches: arenas that vanish in the anonymous memory, and figures that are counted twice.
TEST(MemoryAccount, ArenasCountWithTheirAddressSpace) {
  SmapsText text;
  for (const std::uint64_t at : {kArenaAt, kArenaAt + 10 * kArenaHeapBytes.value}) {
    text.add(at, 2 * kMega, "rw-p", "", {.rss = kMega, .swap = kPage});
    text.add(at + 2 * kMega, kArenaHeapBytes.value - 2 * kMega, "---p");
  }
  text.add(kMapsAt + kGiga, kMega, "rw-p", "", {.rss = kPage});
  const auto account = account_of(text);
  EXPECT_EQ(account.arenas.heaps_count, 2U);
  EXPECT_EQ(account.arenas.arenas_count, std::nullopt) << "no header was read";
  EXPECT_EQ(account.arenas.count(), 2U);
  EXPECT_EQ(account.arenas.opened, Bytes{4 * kMega});
  EXPECT_EQ(account.of(MappingKind::kArenas).vsz, Bytes{2 * kArenaHeapBytes.value});
  EXPECT_EQ(account.of(MappingKind::kArenas).rss, Bytes{2 * kMega});
  EXPECT_EQ(account.of(MappingKind::kArenas).swap, Bytes{2 * kPage});
  EXPECT_EQ(account.of(MappingKind::kReserved).mappings_count, 0U);
  EXPECT_EQ(account.of(MappingKind::kAnonymous).vsz, Bytes{kMega});
}

// Catches: heaps told as arenas: an arena that has outgrown its first heap has several.
TEST(MemoryAccount, HeapsOfOneArenaAreOneArena) {
  SmapsText text;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const auto at = kArenaAt + 2 * i * kArenaHeapBytes.value;
    text.add(at, kMega, "rw-p").add(at + kMega, kArenaHeapBytes.value - kMega, "---p");
  }
  auto with = hints();
  with.read_header = [](std::uint64_t begins, ArenaHeapHeader& header) {
    header.arena = begins == kArenaAt ? 1 : 2;
    return HeaderReading::kHeap;
  };
  const auto account = account_of(text, with);
  EXPECT_EQ(account.arenas.heaps_count, 3U);
  EXPECT_EQ(account.arenas.arenas_count, 2U);
  EXPECT_EQ(account_of(SmapsText(), with).arenas.arenas_count, 0U);
}

// Catches: stacks of threads told as malloc's, and their guards as reserved.
TEST(MemoryAccount, StacksHaveAGuardBelow) {
  SmapsText text;
  text.add(kMapsAt, kPage, "---p").add(kMapsAt + kPage, kStack, "rw-p", "", {.rss = 2 * kPage});
  const auto next = kMapsAt + kPage + kStack;
  text.add(next, kPage, "---p").add(next + kPage, kStack - kPage, "rw-p");
  const auto stacks = account_of(text).of(MappingKind::kStacks);
  EXPECT_EQ(stacks.mappings_count, 4U) << "those of ended threads are kept for new ones";
  EXPECT_EQ(stacks.vsz, Bytes{2 * kStack + kPage});
  EXPECT_EQ(stacks.rss, Bytes{2 * kPage});
}

// Catches: guarded memory of allocators told as stacks of threads that do not exist.
TEST(MemoryAccount, StacksOfAnotherSizeAreAsManyAsThreads) {
  SmapsText text;
  for (std::uint64_t i = 0; i < 5; ++i) {
    const auto at = kMapsAt + i * 2 * kMega;
    text.add(at, kPage, "---p").add(at + kPage, kMega, "rw-p", "", {.rss = (i + 1) * kPage});
  }
  EXPECT_EQ(account_of(text, hints(1)).of(MappingKind::kStacks).mappings_count, 0U);
  const auto account = account_of(text, hints(3));
  EXPECT_EQ(account.of(MappingKind::kStacks).mappings_count, 4U);
  EXPECT_EQ(account.of(MappingKind::kStacks).rss, Bytes{9 * kPage}) << "the highest are the first";
  EXPECT_EQ(account.of(MappingKind::kAnonymous).mappings_count, 3U);
}

// Catches: a large mapping above an arena's unused rest, or above reserved space, told as a stack.
TEST(MemoryAccount, LargeGuardsAreNone) {
  SmapsText text;
  text.add(kArenaAt, kMega, "rw-p").add(kArenaAt + kMega, kArenaHeapBytes.value - kMega, "---p");
  text.add(kArenaAt + kArenaHeapBytes.value, kStack, "rw-p");
  text.add(kMapsAt, kGiga, "---p").add(kMapsAt + kGiga, kStack, "rw-p");
  const auto account = account_of(text, hints(10));
  EXPECT_EQ(account.of(MappingKind::kStacks).mappings_count, 0U);
  EXPECT_EQ(account.of(MappingKind::kAnonymous).vsz, Bytes{2 * kStack});
  EXPECT_EQ(account.of(MappingKind::kReserved).vsz, Bytes{kGiga});
}

// Catches: large objects and the big heaps of other allocators told as arenas, stacks or reserved.
TEST(MemoryAccount, OtherAllocatorsMapLargePieces) {
  SmapsText text;
  text.add(0x7d0000000000, 2 * kGiga, "rw-p", "", {.rss = kGiga, .huge = 512 * kMega});
  text.add(0x7d0100000000, 32 * kMega, "rw-p", "", {.rss = 30 * kMega});
  text.add(kMapsAt, kMega + kPage, "rw-p", "", {.rss = kMega});
  auto with = hints(8);
  with.arenas_by_shape = false;
  const auto account = account_of(text, with);
  EXPECT_EQ(account.arenas.heaps_count, 0U);
  EXPECT_EQ(account.of(MappingKind::kAnonymous).mappings_count, 3U);
  EXPECT_EQ(account.of(MappingKind::kAnonymous).rss, Bytes{kGiga + 31 * kMega});
  EXPECT_EQ(account.of(MappingKind::kAnonymous).transparent_huge, Bytes{512 * kMega});
}

// Catches: [vsyscall], which is in every list and in no process's size; a sum that leaves a kind
// out.
TEST(MemoryAccount, TogetherIsTheProcess) {
  SmapsText text;
  text.add(kProgramAt, kPage, "r-xp", "/opt/service", {.rss = kPage, .pss = kKilo});
  text.add(kProgramAt + kMega, kMega, "rw-p", "[heap]", {.rss = 3 * kPage, .swap = kPage});
  text.add(kMapsAt, 2 * kMega, "rw-p", "/anon_hugepage (deleted)", {.hugetlb = 2 * kMega});
  text.add(0x7ffd00000000, 132 * kKilo, "rw-p", "[stack]", {.rss = kPage});
  text.add(0xffffffffff600000, kPage, "--xp", "[vsyscall]");
  const auto total = account_of(text).total();
  EXPECT_EQ(total.mappings_count, 4U);
  EXPECT_EQ(total.vsz, Bytes{kPage + 3 * kMega + 132 * kKilo});
  EXPECT_EQ(total.rss, Bytes{5 * kPage});
  EXPECT_EQ(total.pss, Bytes{4 * kPage + kKilo});
  EXPECT_EQ(total.swap, Bytes{kPage});
  EXPECT_EQ(total.hugetlb, Bytes{2 * kMega});
}

// Catches: two kinds under one key, of which JSON keeps one.
TEST(MemoryAccount, EveryKindHasAKeyOfItsOwn) {
  std::set<std::string_view> keys;
  for (std::size_t at = 0; at < kMappingKindsCount; ++at) {
    keys.insert(key_of(static_cast<MappingKind>(at)));
  }
  EXPECT_EQ(keys.size(), kMappingKindsCount);
  EXPECT_FALSE(keys.contains(""));
}

// Catches: the hard limit taken for the soft one, or a word for a number.
TEST(MemoryAccount, TheStackOfAThreadIsTheSoftLimit) {
  const std::string head =
      "Limit                     Soft Limit           Hard Limit           Units\n";
  EXPECT_EQ(
      default_thread_stack(head + "Max stack size            8388608              unlimited    "
                                  "        bytes     \n"),
      Bytes{8 * kMega});
  EXPECT_EQ(
      default_thread_stack(head + "Max stack size            unlimited            unlimited\n"),
      Bytes{2 * kMega});
  EXPECT_EQ(default_thread_stack(""), Bytes{2 * kMega});
  EXPECT_EQ(default_thread_stack("Max stack size"), Bytes{2 * kMega});
}

}  // namespace
}  // namespace heapwise
