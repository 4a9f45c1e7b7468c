#include "bench/program/memory_mappings.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace heapwise {
namespace {

constexpr const char* kSmaps =
    "55d0c0000000-55d0c0021000 rw-p 00000000 00:00 0                          [heap]\n"
    "Size:                132 kB\n"
    "Rss:                 100 kB\n"
    "Pss:                  51 kB\n"
    "Pss_Dirty:            50 kB\n"
    "AnonHugePages:        20 kB\n"
    "Shared_Hugetlb:     2048 kB\n"
    "Private_Hugetlb:    4096 kB\n"
    "Swap:                 12 kB\n"
    "SwapPss:               6 kB\n"
    "VmFlags: rd wr mr mw me ac sd\n"
    "7f61dc000000-7f61dc021000 rw-p 00000000 00:00 0 \n"
    "Rss:                   8 kB\n"
    "Pss:                   8 kB\n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"
    "7f61e0000000-7f61e0001000 r--p 00002000 08:01 1234567                    /opt/a b (deleted)\n"
    "Rss:                   4 kB\n";

// Catches: figures of one mapping under another, or of a field with a similar name.
TEST(MemoryMappings, EveryMappingHasItsOwnFigures) {
  const auto mappings = parse_memory_mappings(kSmaps);
  ASSERT_EQ(mappings.size(), 4U);
  EXPECT_EQ(mappings[0].begins, 0x55d0c0000000U);
  EXPECT_EQ(mappings[0].ends, 0x55d0c0021000U);
  EXPECT_EQ(mappings[0].memory.resident, 100U << 10);
  EXPECT_EQ(mappings[0].memory.proportional, 51U << 10);
  EXPECT_EQ(mappings[1].memory.resident, 8U << 10);
  EXPECT_EQ(mappings[2].memory.resident, 0U);
  EXPECT_EQ(mappings[3].memory.resident, 4U << 10);
  EXPECT_EQ(mappings[3].memory.proportional, 0U);
}

// Catches: swap told as its share (SwapPss), one of two fields of explicit huge pages left out.
TEST(MemoryMappings, SwapAndHugePagesAreTheMappingsOwn) {
  const auto mappings = parse_memory_mappings(kSmaps);
  ASSERT_EQ(mappings.size(), 4U);
  EXPECT_EQ(mappings[0].transparent_huge_bytes, 20U << 10);
  EXPECT_EQ(mappings[0].hugetlb_bytes, 6U << 20);
  EXPECT_EQ(mappings[0].swapped_bytes, 12U << 10);
  EXPECT_EQ(mappings[1].swapped_bytes, 0U);
}

// Catches: permissions read from the place of another field.
TEST(MemoryMappings, PermissionsAreAsTheKernelWritesThem) {
  const auto mappings = parse_memory_mappings(kSmaps);
  ASSERT_EQ(mappings.size(), 4U);
  EXPECT_EQ(mappings[0].permissions, "rw-p");
  EXPECT_EQ(mappings[2].permissions, "--xp");
  EXPECT_EQ(mappings[3].permissions, "r--p");
}

// Catches: names cut at a blank, or the blanks before them taken for a name.
TEST(MemoryMappings, NamesAreWhole) {
  const auto mappings = parse_memory_mappings(kSmaps);
  ASSERT_EQ(mappings.size(), 4U);
  EXPECT_EQ(mappings[0].name, "[heap]");
  EXPECT_EQ(mappings[1].name, "");
  EXPECT_EQ(mappings[3].name, "/opt/a b (deleted)");
}

// Catches: a crash on text that was cut or has changed.
TEST(MemoryMappings, WhatIsNotUnderstoodIsSkipped) {
  EXPECT_TRUE(parse_memory_mappings("").empty());
  EXPECT_TRUE(parse_memory_mappings("Rss: 4 kB\nPss:\n\nVmFlags: rd\n").empty());
  EXPECT_TRUE(parse_memory_mappings("12345-").empty());
  EXPECT_TRUE(parse_memory_mappings("12345-6789").empty());
  EXPECT_EQ(parse_memory_mappings("1000-2000 rw-p\nRss:").size(), 1U);
}

// Catches: a kernel whose text is another than the one above.
TEST(MemoryMappings, OfThisProcessHoldItsTouchedPages) {
  const auto page = static_cast<std::size_t>(getpagesize());
  auto* memory = static_cast<char*>(
      mmap(nullptr, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  madvise(memory, 64 * page, MADV_NOHUGEPAGE);
  mprotect(memory + 8 * page, 8 * page, PROT_READ);  // makes the first 8 pages a mapping's end
  for (std::size_t i = 0; i < 8; ++i) memory[i * page] = 1;
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const auto mappings = read_memory_mappings(getpid());
  const auto found = std::find_if(mappings.begin(), mappings.end(), [address](const auto& mapping) {
    return address >= mapping.begins && address < mapping.ends;
  });
  ASSERT_NE(found, mappings.end());
  EXPECT_EQ(found->ends, address + 8 * page);
  EXPECT_GE(found->memory.resident, 8 * page);
  EXPECT_GE(found->memory.proportional, 8 * page);
  munmap(memory, 64 * page);
}

}  // namespace
}  // namespace heapwise
