// The claims of questions 3 and 4, judged by evidence of machines and C libraries that are not
// here.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/bench/claims/judge_told.h"

namespace heapwise {
namespace {

Holds judge(std::string_view id, const std::vector<std::string>& told) {
  return judge_told(id, told).holds;
}

std::string boundary(std::int64_t largest, std::int64_t smallest) {
  return "value largest_heap_bytes " + std::to_string(largest) + "\nvalue smallest_mapped_bytes " +
         std::to_string(smallest) + "\nvalue word_bytes 8\nvalue cpp_runtime_loaded 1\n";
}

// Would catch: a boundary that is judged by what glibc has instead of by what the claim says.
TEST(MallocClaims, TheBoundaryIsJudgedByWhatIsClaimed) {
  EXPECT_EQ(judge("3.1b", {boundary(131071, 131072)}), Holds::kYes);
  EXPECT_EQ(judge("3.1b", {boundary(131048, 131049)}), Holds::kOnlyIf);
  EXPECT_EQ(judge("3.1b", {boundary(262120, 262121)}), Holds::kNo);
  EXPECT_EQ(judge("3.1b", {boundary(67108864, 0)}), Holds::kNo);
}

// Would catch: one state of the heap that is not compared.
TEST(MallocClaims, TheBoundaryIsComparedInEachState) {
  const auto usual = boundary(131048, 131049);
  const auto other = boundary(134472, 134473);
  EXPECT_EQ(judge("3.1c", {usual, usual, usual}), Holds::kYes);
  EXPECT_EQ(judge("3.1c", {other, usual, usual}), Holds::kNo);
  EXPECT_EQ(judge("3.1c", {usual, other, usual}), Holds::kNo);
}

std::string top_states(int empty, int top, int freed) {
  return "value sizes_count 4\nvalue empty_moves_count " + std::to_string(empty) +
         "\nvalue top_moves_count " + std::to_string(top) + "\nvalue freed_block_moves_count " +
         std::to_string(freed) + "\n";
}

// Would catch: a malloc that never uses brk, or uses it each time, with the verdict of one that
// does so at need.
TEST(MallocClaims, SmallRequestsMayMoveTheTopNeverAtNeedOrAlways) {
  const std::string first =
      "value first_growth_bytes 135168\nvalue mallocs_count 10000\nvalue moves_count 8\n";
  const std::string mapped =
      "value first_growth_bytes 0\nvalue mallocs_count 10000\nvalue moves_count 0\n";
  EXPECT_EQ(judge("3.1", {first, top_states(4, 0, 0)}), Holds::kOnlyIf);
  EXPECT_EQ(judge("3.1", {first, top_states(4, 4, 4)}), Holds::kYes);
  EXPECT_EQ(judge("3.1", {first, top_states(3, 0, 0)}), Holds::kNo);
  EXPECT_EQ(judge("3.1", {mapped, top_states(0, 0, 0)}), Holds::kNo);
}

std::string places(std::int64_t small, std::int64_t large, std::int64_t stack) {
  return "value small_block_address " + std::to_string(small) + "\nvalue large_block_address " +
         std::to_string(large) + "\nvalue stack_address " + std::to_string(stack) +
         "\nvalue large_block_is_mapped 1\n";
}

// Would catch: a layout in which the claim is wrong and that nobody asks about.
TEST(MallocClaims, PlacesAreJudgedInBothLayouts) {
  const auto usual = places(1 << 10, 1 << 20, (1 << 20) + (1 << 10));
  const auto old = places(1 << 20, 1 << 10, 1 << 21);
  const std::string refused = "text legacy_layout_error Operation not permitted\n";
  for (const auto* id : {"3.1d", "3.4b"}) {
    SCOPED_TRACE(id);
    EXPECT_EQ(judge(id, {usual, usual}), Holds::kYes);
    EXPECT_EQ(judge(id, {usual, refused}), Holds::kYes);
    EXPECT_EQ(judge(id, {usual, old}), Holds::kOnlyIf);
    EXPECT_EQ(judge(id, {old, old}), Holds::kNo);
  }
}

std::string overhead(int least, int most) {
  return "value sizes_count 4096\nvalue least_hidden_bytes " + std::to_string(least) +
         "\nvalue most_hidden_bytes " + std::to_string(most) +
         "\nvalue least_usable_bytes 24\nvalue header_sizes_count 4096\nvalue rule_sizes_count "
         "4096\n"
         "value mapped_hidden_bytes 16\nvalue word_bytes 8\n";
}

TEST(MallocClaims, TheHeaderIsMeasuredAgainstTwoWords) {
  EXPECT_EQ(judge("3.2", {overhead(16, 16)}), Holds::kYes);
  EXPECT_EQ(judge("3.2", {overhead(8, 8)}), Holds::kNo);
  EXPECT_EQ(judge("3.2", {overhead(8, 16)}), Holds::kNo);
}

std::string after_free(int first_is_mapped, int second_is_mapped) {
  return "value first_is_mapped " + std::to_string(first_is_mapped) + "\nvalue second_is_mapped " +
         std::to_string(second_is_mapped) + "\nvalue mapped_chunk_bytes 1052672\n" +
         boundary(1052648, 1052649);
}

// Would catch: a fixed threshold, or none, with the verdict of a dynamic one.
TEST(MallocClaims, TheThresholdMayBeFixedDynamicOrMissing) {
  EXPECT_EQ(judge("3.4", {after_free(1, 1)}), Holds::kYes);
  EXPECT_EQ(judge("3.4", {after_free(1, 0)}), Holds::kOnlyIf);
  EXPECT_EQ(judge("3.4", {after_free(0, 0)}), Holds::kNo);
}

std::string limit(std::int64_t followed, std::int64_t not_followed) {
  return "value largest_followed_bytes " + std::to_string(followed) +
         "\nvalue smallest_not_followed_bytes " + std::to_string(not_followed) + "\n";
}

TEST(MallocClaims, TheThresholdMayFollowEveryFreeSomeOrNone) {
  EXPECT_EQ(judge("3.4c", {limit(1 << 28, 0)}), Holds::kYes);
  EXPECT_EQ(judge("3.4c", {limit(33550312, 33550313)}), Holds::kOnlyIf);
  EXPECT_EQ(judge("3.4c", {limit(0, 1 << 20)}), Holds::kNo);
}

std::string mapped_blocks(int count, int comes_from_heap, int kernel_maps) {
  return "value mapped_blocks_count " + std::to_string(count) + "\nvalue comes_from_heap_then " +
         std::to_string(comes_from_heap) + "\nvalue kernel_still_maps " +
         std::to_string(kernel_maps) + "\n";
}

// Would catch: the kernel's limit of mappings taken for malloc's.
TEST(MallocClaims, TheLimitOfMappedBlocksIsMallocsOwnOrNotTestable) {
  EXPECT_EQ(judge("3.4d", {mapped_blocks(200000, 0, 1)}), Holds::kYes);
  EXPECT_EQ(judge("3.4d", {mapped_blocks(65536, 1, 1)}), Holds::kOnlyIf);
  EXPECT_EQ(judge("3.4d", {mapped_blocks(65530, 1, 0)}), Holds::kNotTestable);
  EXPECT_EQ(judge("3.4d", {mapped_blocks(0, 1, 1)}), Holds::kNo);
}

// Would catch: the verdict of one version of glibc given for another.
TEST(MallocClaims, ValuesOfTheThresholdAreWhatThisVersionTakes) {
  const std::string asked = "value largest_possible_bytes 2147483647\nvalue asked_bytes 67108864\n";
  const auto judge_accepted = [&](std::int64_t accepted, const std::string& found) {
    return judge("3.5b", {asked + "value largest_accepted_bytes " + std::to_string(accepted) +
                          "\n" + found});
  };
  EXPECT_EQ(judge_accepted(2147483647, boundary(67108840, 67108841)), Holds::kYes);
  EXPECT_EQ(judge_accepted(2147483647, boundary(131048, 131049)), Holds::kNo);
  EXPECT_EQ(judge_accepted(33554432, boundary(131048, 131049)), Holds::kOnlyIf);
}

std::string first_touch(std::int64_t by_malloc, std::int64_t by_touch) {
  return "value size_bytes 104857600\nvalue allocate_vsz_bytes 104861696\nvalue "
         "allocate_rss_bytes " +
         std::to_string(by_malloc) + "\nvalue allocate_faults_count 1\nvalue touch_rss_bytes " +
         std::to_string(by_touch) + "\nvalue touch_faults_count 25600\n";
}

// Would catch: a malloc that fills memory at once with the verdict of one that does not.
TEST(MallocClaims, ResidentMemoryMayComeAtMallocOrAtUse) {
  const std::string cleared =
      "value malloc_top_resident_bytes 8192\nvalue calloc_top_resident_bytes 53248\n"
      "value calloc_mapped_resident_bytes 4096\n";
  const std::string locked = "text lock_error Operation not permitted\n";
  EXPECT_EQ(judge("4.3", {first_touch(4096, 104857600), cleared, locked}), Holds::kYes);
  EXPECT_EQ(judge("4.3", {first_touch(104857600, 0), cleared, locked}), Holds::kNo);
}

std::string steps(int first, int second) {
  return "point resident_bytes 1024 " + std::to_string(first) + "\npoint resident_bytes 5120 " +
         std::to_string(second) + "\nvalue page_bytes 4096\nvalue block_offset_bytes 16\n" +
         "value block_page_resident_bytes 8192\n";
}

// Would catch: larger steps than pages, or huge pages, that go unnoticed.
TEST(MallocClaims, StepsOfResidentMemoryArePagesOrNot) {
  EXPECT_EQ(judge("4.4", {steps(4096, 8192), "value huge_step_bytes 4096\n"}), Holds::kYes);
  EXPECT_EQ(judge("4.4", {steps(4096, 8192), "value huge_step_bytes 2097152\n"}), Holds::kOnlyIf);
  EXPECT_EQ(judge("4.4", {steps(65536, 65536), "value huge_step_bytes 65536\n"}), Holds::kNo);
}

std::string in_use(int freed, int unfreed, int after_trim) {
  return "value requested_bytes 1000\nvalue chunks_bytes 1100\nvalue freed_in_use_growth_bytes " +
         std::to_string(freed) + "\nvalue in_use_growth_bytes " + std::to_string(unfreed) +
         "\nvalue in_use_after_trim_bytes " + std::to_string(after_trim) + "\n";
}

// Would catch: a malloc that finds unused blocks by itself, or whose free frees nothing.
TEST(MallocClaims, MemoryMayLeakOrBeCollected) {
  EXPECT_EQ(judge("3.0", {in_use(0, 1100, 1100)}), Holds::kYes);
  EXPECT_EQ(judge("3.0", {in_use(0, 1100, 0)}), Holds::kNo);
  EXPECT_EQ(judge("3.0", {in_use(1100, 1100, 1100)}), Holds::kNo);
}

std::string free_ends(int last_word_signal) {
  const auto signal = std::to_string(last_word_signal);
  std::string told;
  for (const std::string name :
       {"heap_last_word", "mapped_last_word", "heap_word_before", "mapped_word_before"}) {
    told += "value " + name + "_signal " + (name.ends_with("last_word") ? signal : "0") +
            "\ntext " + name + "_message \n";
  }
  return told;
}

TEST(MallocClaims, AnOverwrittenHeaderMayEndFreeOrNot) {
  EXPECT_EQ(judge("3.2c", {free_ends(6)}), Holds::kYes);
  EXPECT_EQ(judge("3.2c", {free_ends(0)}), Holds::kNo);
}

TEST(MallocClaims, TheTopMayMoveEachTime) {
  EXPECT_EQ(judge("3.3", {"value mallocs_count 100\nvalue moves_count 3\n"}), Holds::kYes);
  EXPECT_EQ(judge("3.3", {"value mallocs_count 100\nvalue moves_count 100\n"}), Holds::kNo);
}

std::string by_mallopt(int first, int second, std::int64_t smallest) {
  return "value first_is_mapped " + std::to_string(first) + "\nvalue second_is_mapped " +
         std::to_string(second) + "\nvalue third_is_mapped 1\n" + boundary(smallest - 1, smallest);
}

TEST(MallocClaims, MalloptMayBeObeyedAtNeedAlwaysOrNever) {
  EXPECT_EQ(judge("3.5", {by_mallopt(1, 1, 65513)}), Holds::kYes);
  EXPECT_EQ(judge("3.5", {by_mallopt(0, 1, 65513)}), Holds::kOnlyIf);
  EXPECT_EQ(judge("3.5", {by_mallopt(0, 0, 131049)}), Holds::kNo);
}

std::string growths(int growths_count, int many_growths_count) {
  return "value mallocs_count 100\nvalue growth_bytes 0\nvalue many_mallocs_count 10000\nvalue "
         "growths_count " +
         std::to_string(growths_count) + "\nvalue many_growths_count " +
         std::to_string(many_growths_count) + "\n";
}

std::string vsz_steps(std::int64_t small, std::int64_t mapped, std::int64_t thread) {
  return "value small_size_bytes 100\nvalue mapped_size_bytes 1048576\nvalue small_growth_bytes " +
         std::to_string(small) + "\nvalue mapped_growth_bytes " + std::to_string(mapped) +
         "\nvalue thread_growth_bytes " + std::to_string(thread) + "\n";
}

// Would catch: an allocator that reserves in advance with the verdict of one that maps what it is
// asked for.
TEST(MallocClaims, AddressSpaceMayGrowByTheSizeOrByMore) {
  EXPECT_EQ(judge("4.1", {growths(0, 74)}), Holds::kYes);
  EXPECT_EQ(judge("4.1", {growths(100, 10000)}), Holds::kNo);
  EXPECT_EQ(judge("4.2", {vsz_steps(100, 1052672, 104)}), Holds::kYes);
  EXPECT_EQ(judge("4.2", {vsz_steps(135168, 1052672, 67108864)}), Holds::kOnlyIf);
  EXPECT_EQ(judge("4.2", {vsz_steps(0, 4194304, 0)}), Holds::kNo);
}

}  // namespace
}  // namespace heapwise
