#include "bench/cli/inspection_page.h"

#include <gtest/gtest.h>

#include <sstream>

namespace heapwise {
namespace {

constexpr std::uint64_t kMega = kMiB.value;
constexpr std::uint64_t kSecond = 1'000'000'000;

Inspection busy_service() {
  Inspection inspection{
      .process = {.pid = 42, .name = "service", .executable = "/opt/service", .user_name = "web"},
      .malloc = {.origin = MallocOrigin::kCLibrary,
                 .allocator = "glibc",
                 .library_path = "/usr/lib/libc.so.6",
                 .version = "2.36-9"},
      .settings = {{"GLIBC_TUNABLES", "glibc.malloc.top_pad=1"}},
      .surroundings = {.huge_pages = "madvise",
                       .memory = {1024 * kMega},
                       .available = {512 * kMega}},
      .memory_taken_at = {kSecond},
      .smaps_reading = {3'000'000},
      .counters = {.taken_at = {2 * kSecond},
                   .threads_count = 64,
                   .minor_faults_count = 1'234'567,
                   .vsz = {4096 * kMega},
                   .rss = {200 * kMega}},
      .rates =
          Rates{.sample = {kSecond}, .minor_faults_per_second = 321, .rss_growth_bytes = 4096}};
  auto& memory = inspection.memory;
  memory.of(MappingKind::kHeap) = {.mappings_count = 1, .vsz = {60 * kMega}, .rss = {50 * kMega}};
  memory.of(MappingKind::kArenas) = {
      .mappings_count = 20, .vsz = {640 * kMega}, .rss = {150 * kMega}};
  memory.arenas = {.heaps_count = 10, .arenas_count = 9, .opened = {320 * kMega}};
  return inspection;
}

std::string page_of(const Inspection& inspection, std::size_t columns = 100) {
  return inspection_page(inspection, advise(inspection), {.columns = columns});
}

// Catches: a figure that is known and not shown, or shown under another name.
TEST(InspectionPage, SaysWhatIsKnown) {
  const auto page = page_of(busy_service());
  for (const char* words :
       {"service, process 42 of web: 64 threads", "/opt/service", "glibc, the C library's own",
        "(2.36-9)", "GLIBC_TUNABLES=glibc.malloc.top_pad=1", "huge pages madvise",
        "9 beside the heap, in 10 pieces of 64 MiB", "320 MiB (50 %)", "1,234,567", "321",
        "over 1.0 s", "As of 1.0 s ago; reading it took 3.0 ms", "9 arenas for 64 threads hold",
        "COMMAND is how the program is started"}) {
    EXPECT_NE(page.find(words), std::string::npos) << words << "\n" << page;
  }
  EXPECT_EQ(page.find("shared memory"), std::string::npos) << "there is none";
}

// Catches: rates of 0 where nothing was measured, because the process ended at once.
TEST(InspectionPage, RatesThatWereNotMeasuredAreUnknown) {
  auto inspection = busy_service();
  inspection.rates.reset();
  EXPECT_NE(page_of(inspection).find("unknown"), std::string::npos);
}

// Catches: sentences and tables that a terminal breaks. Commands stand whole, to be copied.
TEST(InspectionPage, SentencesFitTheTerminal) {
  std::istringstream lines(page_of(busy_service(), 90));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.size() <= 90 || line.starts_with("      ")) << line;
  }
}

// Catches: columns of a watch that run away from their heading.
TEST(InspectionPage, LinesOfAWatchStandUnderTheirHeading) {
  EXPECT_EQ(watch_line(busy_service()).size(), watch_heading().size());
}

// Catches: a page that scrolls its own top away when it is rewritten, and a text without an end.
TEST(InspectionPage, OnlyWhatFitsIsRewritten) {
  EXPECT_EQ(first_lines("a\nb\nc\n", 2), "a\nb\n");
  EXPECT_EQ(first_lines("a\nb", 5), "a\nb");
  EXPECT_EQ(first_lines("", 3), "");
  EXPECT_EQ(first_lines("a\n", 0), "");
}

}  // namespace
}  // namespace heapwise
