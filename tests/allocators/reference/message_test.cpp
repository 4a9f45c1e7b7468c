#include "allocators/reference/message.h"

#include <gtest/gtest.h>

#include <string>

namespace refmalloc {
namespace {

TEST(Message, writes_numbers_and_addresses_as_people_read_them) {
  Message message;
  message.text("a ")
      .number(0)
      .text(" ")
      .number(UINT64_MAX)
      .text(" ")
      .address(reinterpret_cast<void*>(0xdeadbeef));
  EXPECT_EQ(std::string(message.begin(), message.length()),
            "refmalloc: a 0 18446744073709551615 0xdeadbeef");
}

// Silent error: a long configuration key overruns the buffer on the stack.
TEST(Message, cuts_off_what_does_not_fit) {
  Message message;
  message.text(std::string(10'000, 'x').c_str());
  EXPECT_LT(message.length(), 1000u);
  testing::internal::CaptureStderr();
  message.write();
  EXPECT_EQ(testing::internal::GetCapturedStderr().back(), '\n');
}

}  // namespace
}  // namespace refmalloc
