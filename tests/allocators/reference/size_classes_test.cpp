#include "allocators/reference/size_classes.h"

#include <gtest/gtest.h>

namespace refmalloc {
namespace {

// Silent error: an object smaller than the request overlaps its neighbour.
TEST(SizeClasses, every_request_gets_the_smallest_class_that_holds_it) {
  for (std::size_t bytes = 0; bytes <= kLargestClassBytes; ++bytes) {
    const std::size_t c = class_of_bytes(bytes);
    ASSERT_GE(bytes_of_class(c), bytes);
    if (c > 1) {
      ASSERT_LT(bytes_of_class(c - 1), bytes);
    }
  }
}

// Silent error: a rounded reciprocal puts the last bytes of an object into the next one.
TEST(SizeClasses, every_offset_of_a_slab_belongs_to_the_object_that_contains_it) {
  for (std::size_t c = 1; c <= kClassesCount; ++c) {
    const std::size_t bytes = bytes_of_class(c);
    for (std::size_t offset = 0; offset < kMostSlabSlices * kSliceBytes; ++offset) {
      ASSERT_EQ(object_at(c, offset), offset / bytes) << "class " << c << " offset " << offset;
    }
  }
}

// Silent error: memalign hands out an address with a smaller alignment.
TEST(SizeClasses, an_aligned_request_gets_a_class_that_is_a_multiple_of_the_alignment) {
  for (std::size_t alignment = 16; alignment <= kLargestClassBytes; alignment *= 2) {
    for (std::size_t bytes = 0; bytes <= kLargestClassBytes; bytes += 7) {
      const std::size_t c = class_of_aligned(bytes, alignment);
      ASSERT_NE(c, 0u);
      ASSERT_EQ(bytes_of_class(c) % alignment, 0u);
      ASSERT_GE(bytes_of_class(c), bytes);
    }
  }
  EXPECT_EQ(class_of_aligned(1, 2 * kLargestClassBytes), 0u);
  EXPECT_EQ(class_of_aligned(kLargestClassBytes + 1, 16), 0u);
}

}  // namespace
}  // namespace refmalloc
